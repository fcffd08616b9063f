"""A TCP proxy between clients and one server that injects network faults.

`refuse`: new connections are refused. `stall`: connections stay open, but no data passes.
`reset`: connections end with RST, new ones too. `drop_replies`: requests arrive, replies do not.
`cut_reply`: the next reply is cut in its middle, then RST. `heal`: all data passes again.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Self

from infra.daemon import LOOPBACK, free_port

_READ_BYTES = 65_536
_RST = struct.pack("ii", 1, 0)
_CALL_TIMEOUT_S = 10.0
MODES = ("heal", "refuse", "stall", "reset", "drop_replies", "cut_reply")


class TcpProxy:
    """Listens on `port` and forwards to `server_port`; use as a context manager."""

    def __init__(self, server_port: int = 0) -> None:
        self.port = free_port()
        self.server_port = server_port
        self.mode = "heal"
        self.cuts = 0
        """Number of replies that were cut."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        self._loop.call_soon_threadsafe(self._flowing.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_TIMEOUT_S)
        self._loop.close()

    def set(self, mode: str) -> None:
        """Sets the mode, one of `MODES`."""
        assert mode in MODES
        self._call(self._set(mode))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_TIMEOUT_S)

    async def _set(self, mode: str) -> None:
        self.mode = mode
        (self._flowing.clear if mode == "stall" else self._flowing.set)()
        if mode in ("refuse", "reset"):
            self._reset_all()
        if mode == "refuse":
            self._stop_listening()
        elif self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None

    async def _end(self) -> None:
        self._stop_listening()
        self._reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self.mode == "reset":
            self._reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(LOOPBACK, self.server_port)
        except OSError:
            self._reset(writer)
            return
        self._writers.add(up_writer)
        for each in (
            self._pipe(reader, up_writer, is_reply=False, ends=(writer, up_writer)),
            self._pipe(up_reader, writer, is_reply=True, ends=(writer, up_writer)),
        ):
            task = self._loop.create_task(each)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pipe(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_reply: bool,
        ends: tuple[asyncio.StreamWriter, ...],
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                await self._flowing.wait()
                if is_reply and self.mode == "drop_replies":
                    continue
                if is_reply and self.mode == "cut_reply":
                    self.mode, self.cuts = "heal", self.cuts + 1
                    writer.write(data[: len(data) // 2])
                    break
                writer.write(data)
                await writer.drain()
        for each in ends:
            self._reset(each)

    def _reset_all(self) -> None:
        for writer in [*self._writers]:
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        sock: socket.socket | None = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
        with contextlib.suppress(RuntimeError, OSError):
            writer.transport.abort()
