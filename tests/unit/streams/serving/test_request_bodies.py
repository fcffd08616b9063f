"""Bodies of submissions are read although one text in them is no JSON; all others are strict."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request

from streams.serving.problems import ProblemError
from streams.serving.request_bodies import json_body


def request(body: bytes, **headers: str) -> Request:
    """A request with a body that is there."""
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return parts.pop()

    given = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": given}, receive)


NEARLY_JSON = {
    b'{"a": "\\ud83d"}': {"a": "\ud83d"},
    b'{"a": "\xe9"}': {"a": "\udce9"},
    b'\xef\xbb\xbf{"a": 1}': {"a": 1},
    b'{"a": Infinity}': {"a": float("inf")},
}


@pytest.mark.parametrize("body", NEARLY_JSON)
async def test_what_is_nearly_json_is_read_where_a_batch_depends_on_it(body: bytes) -> None:
    assert await json_body(request(body), is_lenient=True) == NEARLY_JSON[body]
    with pytest.raises(ProblemError, match="not JSON"):
        await json_body(request(body))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5_000 + b"x"])
async def test_what_is_no_json_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(ProblemError, match="not JSON") as raised:
        await json_body(request(body), is_lenient=True)
    assert raised.value.code == 400


async def test_compressed_bodies_are_refused_and_an_empty_encoding_is_none() -> None:
    assert await json_body(request(b"[1]", content_encoding="")) == [1]
    for encoding in ("gzip", "br", "gzip, identity"):
        with pytest.raises(ProblemError) as raised:
            await json_body(request(b"[1]", content_encoding=encoding))
        assert raised.value.code == 415


async def test_a_body_is_bounded_whether_or_not_its_size_is_told() -> None:
    async def endless() -> AsyncIterator[dict[str, Any]]:
        while True:
            yield {"type": "http.request", "body": b" " * 1_000_000, "more_body": True}

    parts = endless()
    unsized = Request({"type": "http", "method": "POST", "headers": []}, lambda: anext(parts))
    for asked in (unsized, request(b"", content_length="99999999")):
        with pytest.raises(ProblemError) as raised:
            await json_body(asked)
        assert raised.value.code == 413
