"""Connections that do not behave end with an answer, and never keep a good one waiting."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import orjson
import pytest
import uvicorn
from starlette.requests import Request

from streams.serving import http_protocol
from streams.serving.http_protocol import HEAD_BYTES_MAX, BoundedHttpProtocol
from streams.serving.problems import Json

WAIT_S = 20.0
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
BODY = b'{"some": "body"}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the size of the body; what is asked at `/early` is answered without it."""
    request = Request(scope, receive)
    size = 0 if scope["path"] == "/early" else len(await request.body())
    await Json({"size": size})(scope, receive, send)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server with the protocol."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        config = uvicorn.Config(
            echo, http=BoundedHttpProtocol, ws="none", lifespan="off", log_config=None
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as connection:
        yield connection


def answer_on(connection: socket.socket) -> tuple[int, Any]:
    """The status and the JSON of the next answer; (0, None) if the connection ends before it."""
    received = b""
    while b"\r\n\r\n" not in received or not received.endswith(b"}"):
        try:
            part = connection.recv(65_536)
        except ConnectionError:
            part = b""
        if not part:
            return 0, None
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), orjson.loads(body)


def asked(port: int, *parts: bytes) -> tuple[int, Any]:
    """What is answered to bytes that are sent part by part."""
    with connected(port) as connection:
        for part in parts:
            connection.sendall(part)
        return answer_on(connection)


@pytest.mark.parametrize(
    "head",
    [
        HEAD + LENGTH + CHUNKED,
        HEAD + CHUNKED + LENGTH,
        HEAD + LENGTH + LENGTH,
        HEAD + b"Content-Length: +16\r\n",
        HEAD + b"Content-Length: -1\r\n",
        HEAD + b"Transfer-Encoding : chunked\r\n",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n",
        HEAD + b"X: a\r\n b\r\n" + LENGTH,
        HEAD + b"X: a\0b\r\n" + LENGTH,
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_a_request_of_two_meanings_is_refused_in_the_only_form(port: int, head: bytes) -> None:
    code, said = asked(port, head + b"\r\n" + BODY)
    assert (code, said["code"]) == (400, 400)
    assert said["error"]


@pytest.mark.parametrize("offer", [b"Upgrade: h2c\r\n", b"UPGRADE:websocket\r\n"])
@pytest.mark.parametrize("framed", [LENGTH + b"\r\n" + BODY, CHUNKED + b"\r\n" + CHUNKS])
def test_a_client_that_offers_another_protocol_keeps_its_body(
    port: int, offer: bytes, framed: bytes
) -> None:
    head = HEAD + b"Connection: Upgrade, HTTP2-Settings\r\n" + offer
    assert asked(port, head + framed) == (200, {"size": len(BODY)})
    assert asked(port, HEAD, head.removeprefix(HEAD), framed) == (200, {"size": len(BODY)})


def test_the_head_of_a_request_is_bounded_and_its_body_is_not(port: int) -> None:
    for head in (b"GET /" + b"a" * HEAD_BYTES_MAX, HEAD + b"X: a\r\n" * HEAD_BYTES_MAX):
        code, said = asked(port, head)
        assert (code, said["code"]) == (431, 431)
    large = b" " * (2 * HEAD_BYTES_MAX)
    sized = HEAD + b"Content-Length: %d\r\n\r\n" % len(large)
    assert asked(port, sized, large) == (200, {"size": len(large)})


def test_a_page_of_another_origin_may_read_what_was_refused_before_it_was_a_request(
    port: int,
) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"\r\naccess-control-allow-origin: *\r\n" in answer.lower()


def test_requests_on_one_connection_are_bounded_one_by_one(port: int) -> None:
    most = HEAD + b"X: " + b"a" * (HEAD_BYTES_MAX // 2) + b"\r\n" + LENGTH + b"\r\n"
    with connected(port) as connection:
        for _ in range(4):
            connection.sendall(most + BODY)
            assert answer_on(connection) == (200, {"size": len(BODY)})


def test_a_head_that_does_not_come_in_time_ends_the_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_WITHIN_S", 0.2)
    assert asked(port) == (0, None)  # who asked nothing is told nothing
    assert asked(port, HEAD)[0] == 408
    with connected(port) as connection:
        connection.sendall(HEAD + LENGTH + b"\r\n" + BODY)
        assert answer_on(connection)[0] == 200
        connection.sendall(HEAD)
        assert answer_on(connection)[0] == 408


def test_a_body_that_nobody_waits_for_ends_the_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "BODY_REST_WITHIN_S", 0.2)
    with connected(port) as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\n" + LENGTH + b"\r\n")
        assert answer_on(connection) == (200, {"size": 0})
        assert answer_on(connection) == (0, None)


def test_one_connection_too_many_is_refused_and_the_others_go_on(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "CONNECTIONS_MAX", 1)
    with connected(port) as first:
        first.sendall(HEAD)
        assert asked(port)[0] == 503
        first.sendall(LENGTH + b"\r\n" + BODY)
        assert answer_on(first) == (200, {"size": len(BODY)})
