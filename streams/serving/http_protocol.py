"""HTTP/1.1 on a connection: uvicorn's own, with bounds, and with errors in the only form.

uvicorn bounds neither the size of a request's head nor the time in which a request arrives. It
answers what it cannot parse in plain text, and loses the body of a request that offers another
protocol, as Java's client does with each first request.
"""

import asyncio
import re

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from streams.serving.cross_origin import READABLE
from streams.serving.problems import problem

HEAD_BYTES_MAX = 65_536
"""Maximum size of the line and the headers of a request, without what TCP gave beside them."""
HEAD_WITHIN_S = 20.0
"""How long the head of a request may take, from the connection or from its first byte."""
BODY_REST_WITHIN_S = 20.0
"""How long the rest of a body may take that was answered before it had arrived."""
CONNECTIONS_MAX = 4_096
"""Maximum number of open connections of a process."""
_HEAD_END = b"\r\n\r\n"
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*(?=\r\n)", re.IGNORECASE)


def without_upgrade(data: bytes) -> bytes:
    r"""A request's head without the offer of another protocol, which a server may ignore.

    >>> without_upgrade(b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nHost: a\r\n\r\nupgrade: x")
    b'GET / HTTP/1.1\r\nHost: a\r\n\r\nupgrade: x'

    Of a head that is not complete, the last line may go on: it stays.

    >>> without_upgrade(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2")
    b'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2'
    """
    head, end, rest = data.partition(_HEAD_END)
    if not end:
        return _UPGRADE.sub(b"", head)
    return _UPGRADE.sub(b"", head + b"\r\n").removesuffix(b"\r\n") + end + rest


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None
    _is_in_body = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins; the first request has to come soon, and one connection too many is refused."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            self._refuse(503, "too many connections are open")
        else:
            self._wait(HEAD_WITHIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses what came, unless the head of a request is too large."""
        if self.transport.is_closing():
            return
        if not self._is_in_body:
            if b"pgrade" in data:
                data = without_upgrade(data)
            self._head_bytes += len(data.partition(_HEAD_END)[0])
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(431, f"line and headers are larger than {HEAD_BYTES_MAX:,} bytes")
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Answers what cannot be parsed."""
        self._refuse(400, msg)

    def _refuse(self, code: int, error: str) -> None:
        """Answers with a problem, which any page may read, and ends the connection."""
        answer = problem(code, error, READABLE)
        head = b"".join(b"%b: %b\r\n" % each for each in answer.raw_headers)
        end = b"connection: close\r\n\r\n"
        self.transport.write(b"".join([STATUS_LINE[code], head, end, bytes(answer.body)]))
        self.transport.close()

    # -- times ---------------------------------------------------------------------------------

    def _wait(self, seconds: float | None) -> None:
        """Ends the connection after this time, unless this is called again; None ends nothing."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        """Ends; who has not begun to ask is not answered: the answer could pass for another one."""
        if self._head_bytes and not self.transport.is_closing():
            self._refuse(408, "the request did not arrive in time")
        self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self._timer is None:
            self._wait(HEAD_WITHIN_S)

    def on_headers_complete(self) -> None:
        """The head of a request is complete."""
        self._is_in_body, self._head_bytes = True, 0
        self._wait(None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._is_in_body = False
        self._wait(None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request was answered, perhaps before its body was there."""
        super().on_response_complete()
        if self._is_in_body:
            self._wait(BODY_REST_WITHIN_S)
