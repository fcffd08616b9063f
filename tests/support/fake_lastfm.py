"""A service with Last.fm's API 2.0 that checks signatures, and fails on purpose."""

import json
import threading
from collections.abc import Callable
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

Scrobble = tuple[int, str]
"""A scrobble's second and track."""
Script = Callable[[int, list[Scrobble]], str]
"""Says what to do with the n-th call: `ok`, the code of an error such as `11`, or `reset` (keeps
it, and closes the connection); `ignore CODE NAME` ignores one track, and takes all others."""


class FakeLastFm:
    """Keeps scrobbles like the real one: one of the same second and track once."""

    def __init__(self, script: Script, secret: str) -> None:
        self.script = script
        self.secret = secret
        self.kept: dict[Scrobble, dict[str, str]] = {}
        self.answered: list[str] = []
        self.sizes: list[int] = []
        self.forms: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}/2.0/"

    def close(self) -> None:
        """Stops it."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, form: dict[str, str]) -> tuple[int, Any]:
        """The status and the body for a form; 0 if the connection is closed."""
        names = sorted(each for each in form if each not in ("api_sig", "format"))
        text = "".join(each + form[each] for each in names) + self.secret
        if md5(text.encode()).hexdigest() != form["api_sig"] or form["format"] != "json":
            return 403, {"error": 13, "message": "Invalid method signature supplied"}
        count = sum(name.startswith("track[") for name in form)
        scrobbles = [(int(form[f"timestamp[{at}]"]), form[f"track[{at}]"]) for at in range(count)]
        with self._lock:
            self.forms.append(form)
            self.sizes.append(count)
            what = self.script(len(self.answered), scrobbles)
            self.answered.append(what)
            if what.isdigit():
                return 400, {"error": int(what), "message": "failed on purpose"}
            codes = [_code(what, name) for _, name in scrobbles]
            for key, code in zip(scrobbles, codes, strict=True):
                if not code:
                    self.kept.setdefault(key, form)
        return (0 if what == "reset" else 200), _answer(codes)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                assert self.path == "/2.0/"
                sent = self.rfile.read(int(self.headers["content-length"])).decode()
                status, body = fake.take(dict(parse_qsl(sent)))
                if not status:
                    self.close_connection = True
                    return
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                """Prints nothing."""

        return Handler


def _code(what: str, name: str) -> int:
    words = what.split(" ", 2)
    return int(words[1]) if words[0] == "ignore" and words[2] == name else 0


def _answer(codes: list[int]) -> dict[str, Any]:
    """One scrobble is an object, and several are a list, as at Last.fm."""
    each = [{"ignoredMessage": {"code": str(code), "#text": ""}} for code in codes]
    ignored = sum(map(bool, codes))
    counts = {"accepted": len(codes) - ignored, "ignored": ignored}
    return {"scrobbles": {"scrobble": each if len(each) > 1 else each[0], "@attr": counts}}
