"""A token endpoint (OAuth 2.0) whose answer a test sets."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from streams.kafka.oauth_tokens import ClientCredentials

SECRET = "a s/ecret"


class Endpoint(HTTPServer):
    """A token endpoint whose answer a test sets."""

    answer: tuple[int, bytes] = (200, b"{}")
    location: str = ""
    """Where a redirect points."""
    asked: list[dict[str, Any]]

    @property
    def credentials(self) -> ClientCredentials:
        url = f"http://127.0.0.1:{self.server_port}/token"
        return ClientCredentials(url, "me:you", SECRET, scope="kafka write")


class Answers(BaseHTTPRequestHandler):
    """Notes the request, and answers."""

    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        asked = parse_qs(body, strict_parsing=bool(body))
        self.server.asked.append({"authorization": self.headers["Authorization"], **asked})
        code, content = self.server.answer
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def an_endpoint() -> Iterator[Endpoint]:
    """An endpoint that answers until the end."""
    server = Endpoint(("127.0.0.1", 0), Answers)
    server.asked = []
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
