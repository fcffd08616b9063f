"""Other services may answer anything, or never end: asking them is bounded, and never fails."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from streams.relaying import service_client
from streams.relaying.service_client import NoReplyError, Reply, ServiceClient


@asynccontextmanager
async def answering(body: bytes, head: bytes = b"", *, pause_s: float = 0.0) -> AsyncIterator[str]:
    """A service that answers each call with these bytes, and pauses after each; yields its URL."""

    calls = []

    async def answer(asked: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        calls.append(asyncio.current_task())
        await asked.readuntil(b"\r\n\r\na=b")
        with suppress(OSError):
            out.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + head + b"\r\n")
            parts = [bytes([each]) for each in body] if pause_s else [body]
            for part in parts:
                out.write(part)
                await out.drain()
                await asyncio.sleep(pause_s)
        out.close()
        with suppress(OSError):
            await out.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/"
        await asyncio.gather(*filter(None, calls))


async def asked(url: str) -> Reply:
    client = ServiceClient()
    try:
        return await client.post(url, data={"a": "b"})
    finally:
        await client.close()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b"\xff\xfe\x00",
        b'{"error": Infinity}',
        b'{"error": 1e999}',
        b'{"error": 29, "message": "\\ud800"}',
        b"[" * 30_000,
        b"{" + b" " * service_client.ANSWER_BYTES_MAX + b"}",
    ],
    ids=lambda body: str(body[:20]),
)
async def test_what_is_no_json_of_a_bounded_size_is_none(body: bytes) -> None:
    async with answering(body) as url:
        assert (await asked(url)).body is None


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
async def test_json_is_read(mark: bytes) -> None:
    async with answering(mark + b'{"status": "ok"}') as url:
        assert (await asked(url)).body == {"status": "ok"}


async def test_an_answer_that_never_ends_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_client, "CALL_WITHIN_S", 0.5)
    began = time.monotonic()
    async with answering(b" " * 400, pause_s=0.05) as url:
        with pytest.raises(NoReplyError, match="TimeoutError"):
            await asked(url)
    assert time.monotonic() - began < 10


async def test_a_body_that_is_not_compressed_as_it_says_is_no_answer() -> None:
    async with answering(b"no gzip", b"Content-Encoding: gzip\r\n") as url:
        with pytest.raises(NoReplyError, match="DecodingError"):
            await asked(url)
