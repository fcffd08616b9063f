"""A service with ListenBrainz' API that fails on purpose, and keeps what it was sent."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Listen = tuple[int, str]
"""A listen's second and track."""
Script = Callable[[int, list[Listen]], str]
"""Says what to do with the n-th submission: `ok`, a status such as `429`, `html`, `reset` (keeps
it, and closes the connection), or `hang` (keeps it, and does not answer until `let_go` is set)."""


class FakeListenBrainz:
    """Keeps listens like the real one: a listen of the same second and track once."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.kept: dict[Listen, dict[str, Any]] = {}
        self.answered: list[str] = []
        self.tokens: set[str] = set()
        self.hangs, self.let_go = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self, body: dict[str, Any], token: str) -> str:
        """Keeps a submission, unless the script says otherwise; returns what the script says."""
        listens = [(each["listened_at"], _name(each)) for each in body["payload"]]
        with self._lock:
            self.tokens.add(token)
            what = self.script(len(self.answered), listens)
            self.answered.append(what)
            if what in ("ok", "reset", "hang"):
                for key, each in zip(listens, body["payload"], strict=True):
                    self.kept.setdefault(key, each)
        return what

    def close(self) -> None:
        """Stops it."""
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                assert self.path == "/1/submit-listens"
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                what = fake.take(body, self.headers["authorization"])
                if what == "hang":
                    fake.hangs.set()
                    fake.let_go.wait()
                if what in ("hang", "reset"):
                    self.close_connection = True
                    return
                self._answer(what)

            def _answer(self, what: str) -> None:
                status = int(what) if what.isdigit() else 200
                said = {"status": "ok"} if what == "ok" else {"code": status, "error": what}
                text = b"<html>ok</html>" if what == "html" else json.dumps(said).encode()
                self.send_response(status)
                if status == 429:
                    self.send_header("X-RateLimit-Reset-In", "1")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                """Prints nothing."""

        return Handler


def _name(listen: dict[str, Any]) -> str:
    return str(listen["track_metadata"]["track_name"])
