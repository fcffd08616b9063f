"""Virtual time: an event loop whose clock jumps to the next due handle, and processes that die.

No real time passes, and no thread runs: work that a worker would do in a thread is one step of the
loop, in whose middle virtual time may pass (`VirtualLoop.block`). A handle belongs to the process
in whose context it was made. A dead process's handles never run; a frozen one's run later.
"""

import asyncio
import heapq
from asyncio import events
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar
from typing import Any

STEPS_MAX = 300_000
"""Maximum number of steps; a simulation with more of them is in an endless loop."""
KERNEL = Context()
"""The context of servers, the network and fault injection, which belong to no process."""


class Killed(BaseException):
    """Ends the running step of a process that died; no production code can catch it."""


class Process:
    """A simulated worker process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.frozen_until_s = 0.0
        self.put_aside: list[events.Handle] = []
        self._context = Context()
        self._context.run(PROCESS.set, self)

    @property
    def context(self) -> Context:
        """A new context in which everything belongs to this process."""
        return self._context.copy()


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop in virtual time; `note_error` is called with uncaught errors."""

    def __init__(self, note_error: Callable[[BaseException], None]) -> None:
        super().__init__()
        self._note_error = note_error
        self._now_s = 0.0
        self._steps = 0
        self._tasks: list[asyncio.Task[Any]] = []
        self.is_over = False
        self.set_task_factory(self._made_task)

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._now_s

    # -- running -----------------------------------------------------------------------------

    def run(self, until_s: float, is_done: Callable[[], bool] = lambda: False) -> None:
        """Runs everything that is due up to `until_s`, or until `is_done`."""
        events._set_running_loop(self)
        try:
            while not is_done() and self._step(until_s):
                pass
        finally:
            events._set_running_loop(None)

    def _step(self, until_s: float) -> bool:
        """Runs the next handle; returns False if nothing is due up to `until_s`."""
        if not self._ready and not self._advance(until_s):
            self._now_s = max(self._now_s, until_s)
            return False
        self._steps += 1
        if self._steps > STEPS_MAX:
            raise RuntimeError("the simulation turns in a circle")
        handle = self._ready.popleft()
        process = handle._context.get(PROCESS)
        if handle._cancelled:
            return True
        if process is None or (process.is_alive and process.frozen_until_s <= self._now_s):
            handle._run()
        else:
            self._put_aside(process, handle)
        return True

    def _advance(self, until_s: float) -> bool:
        timers = self._scheduled
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not timers or timers[0]._when > until_s:
            return False
        timer = heapq.heappop(timers)
        timer._scheduled = False
        self._now_s = max(self._now_s, timer._when)
        self._ready.append(timer)
        return True

    def _put_aside(self, process: Process, handle: events.Handle) -> None:
        """Keeps a handle that cannot run for later; a dead process must not clean up anything."""
        process.put_aside.append(handle)
        if process.is_alive and len(process.put_aside) == 1:
            self.call_at(process.frozen_until_s, self._thaw, process, context=KERNEL.copy())

    def _thaw(self, process: Process) -> None:
        if process.frozen_until_s > self._now_s:  # frozen again
            self.call_at(process.frozen_until_s, self._thaw, process, context=KERNEL.copy())
        elif process.is_alive:
            handles, process.put_aside = process.put_aside, []
            self._ready.extend(handles)

    def block(self, process: Process, seconds: float) -> None:
        """Lets time pass within a step that represents a thread of `process`."""
        assert asyncio.current_task() is None, "a coroutine must not block"
        until_s = self._now_s + seconds
        while until_s > self._now_s or process.frozen_until_s > self._now_s:
            until_s = max(until_s, process.frozen_until_s)
            while self._step(until_s):
                pass
            if not process.is_alive:
                raise Killed

    # -- asyncio's interface of a loop ----------------------------------------------------------

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Runs a blocking call as a step of its own."""
        future = self.create_future()

        def run() -> None:
            try:
                result = func(*args)
            except Exception as error:
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)

        self.call_later(0.001, run)
        return future

    def _made_task(self, _: Any, coroutine: Coroutine[Any, Any, Any], **more: Any) -> Any:
        task = asyncio.Task(coroutine, loop=self, **more)
        self._tasks.append(task)
        return task

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> events.Handle:
        """See asyncio; after the end nothing is called any more."""
        if self.is_over:
            return events.Handle(callback, args, self, context)
        return super().call_soon(callback, *args, context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Reports errors that were not caught."""
        error = context.get("exception")
        if not self.is_over and error is not None and not isinstance(error, Killed):
            self._note_error(error)

    def _write_to_self(self) -> None: ...

    def kernel(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Starts a coroutine that belongs to no process."""
        self.create_task(coroutine, context=KERNEL.copy())

    def end(self) -> None:
        """Drops all pending handles and tasks without running them."""
        self.is_over = True
        for task in self._tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            if not task.done():
                with suppress(BaseException):
                    task.get_coro().close()  # type: ignore[union-attr]
        self._tasks.clear()
        self._ready.clear()
        self._scheduled.clear()
        self.close()
