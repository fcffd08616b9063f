"""Calls into C that may take long, and that Ctrl-C would otherwise have to wait for."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def interruptible(call: Callable[[], T]) -> T:
    """What `call` returns or raises; Ctrl-C leaves it behind in a thread that nobody waits for.

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
