"""Sends HTTP requests over many connections that stay open, and notes how long each one took.

Requests are bytes that were made beforehand, and of an answer only its status and length are
read: what a client library does would cost more than what is measured.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

CONNECTIONS = 16
_ENDING = b"\r\n\r\n"
_OK = b"HTTP/1.1 200"


class Answers(NamedTuple):
    """What came of some requests."""

    took_s: list[float]
    """Of each answer with status 200; from when it was due, if requests were due at times."""
    failed: int
    """Other statuses, and connections that ended."""
    seconds: float

    @property
    def per_second(self) -> float:
        """Answers with status 200 a second."""
        return len(self.took_s) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """A percentile of the times, in ms."""
        return float(np.percentile(np.array(self.took_s) * 1_000, percent))


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """A request of HTTP/1.1."""
    lines = [
        *(f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Token {token}"),
        *("Content-Type: application/json", f"Content-Length: {len(body)}", "", ""),
    ]
    return "\r\n".join(lines).encode() + body


def as_fast_as_answered(port: int, requests: Iterator[bytes], seconds: float) -> Answers:
    """Sends the next request on each connection as soon as the last one was answered."""
    return asyncio.run(_run(port, requests, seconds, lambda _: None))


def at_a_rate(port: int, requests: Iterator[bytes], seconds: float, per_second: float) -> Answers:
    """Sends requests when they are due, whether or not earlier ones were answered.

    The time of a request counts from when it was due, so that waiting for a free connection is
    part of it.
    """
    due = itertools.count()
    return asyncio.run(_run(port, requests, seconds, lambda began: began + next(due) / per_second))


async def _run(
    port: int,
    requests: Iterator[bytes],
    seconds: float,
    due: Callable[[float], float | None],
) -> Answers:
    answers, began = Answers([], 0, 0.0), time.perf_counter()

    async def ask() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        failed = 0
        for sent in requests:
            at = due(began)
            if (at or time.perf_counter()) - began > seconds:
                break
            if at is not None:
                await asyncio.sleep(max(0.0, at - time.perf_counter()))
            at = at or time.perf_counter()
            writer.write(sent)
            if await _is_ok(reader):
                answers.took_s.append(time.perf_counter() - at)
            else:
                failed += 1
        writer.close()
        return failed

    failed = await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return answers._replace(failed=sum(failed), seconds=time.perf_counter() - began)


async def _is_ok(reader: asyncio.StreamReader) -> bool:
    head = await reader.readuntil(_ENDING)
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))
    return head.startswith(_OK)
