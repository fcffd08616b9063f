"""Makes long calls into C interruptible by Ctrl-C."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def interruptible(call: Callable[[], T]) -> T:
    """Runs `call` in a daemon thread; Ctrl-C abandons that thread. Returns or raises its outcome.

    >>> interruptible(lambda: 6 * 7)
    42
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="interruptible", daemon=True).start()
    return future.result()
