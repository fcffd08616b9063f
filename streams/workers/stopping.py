"""Stops a worker (graceful shutdown): on signals, in order, and within a bounded time.

A process that neither works nor ends is worse than one that is killed: no supervisor restarts it,
and no standby takes over. So the time of an orderly stop is bounded, and a watchdog thread ends the
process if its event loop hangs.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import structlog

STOP_TIMEOUT_S = 8.0
"""Time for an orderly stop, in which a recommender writes its state."""
EXIT_TIMEOUT_S = 9.5
"""Time after which a worker that was asked to stop is ended by force."""
EXIT_HUNG = 3
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_log = structlog.get_logger(__name__)


def stop_on_signals() -> asyncio.Event:
    """An event that is set by any signal to stop; from then on the watchdog runs.

    Signals that the process was started to ignore, as by `nohup`, stay ignored.
    """
    requested, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop(_: int, __: FrameType | None) -> None:
        exit_after(EXIT_TIMEOUT_S)
        if not loop.is_closed():
            loop.call_soon_threadsafe(requested.set)

    handle(STOP_SIGNALS, stop)
    return requested


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Works until any signal to stop, upon which the work is cancelled; raises what it raises."""
    requested = asyncio.create_task(stop_on_signals().wait())
    working = asyncio.create_task(work)
    await asyncio.wait({requested, working}, return_when=asyncio.FIRST_COMPLETED)
    for each in (requested, working):
        each.cancel()
    with suppress(asyncio.CancelledError):
        await working


@contextmanager
def ended_at_once(exit_code: int) -> Iterator[None]:
    """While a worker starts, any signal to stop ends the process: there is nothing to save yet.

    An exception would not do: libraries that are being imported or compile may swallow it.
    """
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    handle(STOP_SIGNALS, lambda *_: os._exit(exit_code))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def handle(numbers: tuple[signal.Signals, ...], handler: "signal._HANDLER") -> None:
    """Sets the handler of the signals that this process was not started to ignore."""
    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def exit_after(timeout_s: float) -> None:
    """Ends this process after `timeout_s`, even if its event loop or a thread hangs."""
    watchdog = threading.Timer(timeout_s, _exit_hung)
    watchdog.daemon = True
    watchdog.start()


def _exit_hung() -> None:
    _log.error("the worker hangs while it stops, and is ended by force")
    os._exit(EXIT_HUNG)
