"""Reads the JSON body of a request, whatever its Content-Type, within bounds of size and time."""

import asyncio
import json
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from streams.serving.problems import ProblemError

BODY_BYTES_MAX = 10_240 * 1_000
BODY_TIMEOUT_S = 20.0


async def json_body(request: Request, *, is_lenient: bool = False) -> Any:
    """The decoded body; raises `ProblemError` if it is too large, too slow, or no JSON.

    With `is_lenient` the body may have what JSON forbids and clients send: NaN, half a surrogate
    pair, bytes that are no UTF-8 (as halves of pairs), a byte order mark. One listen with such a
    text would otherwise spoil all others of its batch.
    """
    if request.headers.get("content-encoding", "").lower() not in ("", "identity"):
        raise ProblemError(415, "compressed bodies are not accepted; send plain JSON")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await _body(request)
    except TimeoutError:
        raise ProblemError(408, f"the body did not arrive within {BODY_TIMEOUT_S:.0f} s") from None
    except ClientDisconnect:
        raise ProblemError(400, "the body ended early") from None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if is_lenient and (found := _lenient(bytes(body))) is not None:
            return found
        raise ProblemError(400, f"the body is not JSON: {error}") from None


def object_of(body: Any) -> dict[str, Any]:
    """The body, which has to be a JSON object."""
    if not isinstance(body, dict):
        raise ProblemError(400, "the body is not a JSON object")
    return body


def _lenient(body: bytes) -> Any:
    """The body if it is nearly JSON; None if not."""
    try:
        return json.loads(body.decode(json.detect_encoding(body), "surrogateescape"))
    except (ValueError, RecursionError):
        return None


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
        raise _too_large()
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise _too_large()
    return bytes(body)


def _too_large() -> ProblemError:
    return ProblemError(
        413, f"the body is larger than {BODY_BYTES_MAX:,} bytes; send fewer listens"
    )
