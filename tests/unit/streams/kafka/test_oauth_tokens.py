"""A bearer token is fetched from a token endpoint, and what the endpoint refuses is said."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from streams.kafka.oauth_tokens import ClientCredentials, fetched_token
from topics.errors import ServerError

SECRET = "a s/ecret"


class Endpoint(HTTPServer):
    """A token endpoint whose answer a test sets."""

    answer: tuple[int, bytes] = (200, b"{}")
    asked: list[dict[str, Any]]

    @property
    def credentials(self) -> ClientCredentials:
        url = f"http://127.0.0.1:{self.server_port}/token"
        return ClientCredentials(url, "me:you", SECRET, scope="kafka write")


class Answers(BaseHTTPRequestHandler):
    """Notes the request, and answers."""

    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(
            {"authorization": self.headers["Authorization"], **parse_qs(body, strict_parsing=True)}
        )
        code, content = self.server.answer
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint(("127.0.0.1", 0), Answers)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_token_is_asked_for_with_the_client_s_credentials_and_its_scope(
    endpoint: Endpoint,
) -> None:
    endpoint.answer = (200, json.dumps({"access_token": "abc", "expires_in": 600}).encode())
    token, expires_at = fetched_token(endpoint.credentials)
    assert token == "abc"
    assert 590 < expires_at - time.time() <= 600
    [asked] = endpoint.asked
    assert asked == {
        "authorization": f"Basic {b64encode(b'me%3Ayou:a%20s%2Fecret').decode()}",
        "grant_type": ["client_credentials"],
        "scope": ["kafka write"],
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, b'{"error": "invalid_client"}'), "it answered 401"),
        ((302, b""), "it answered 302"),
        ((503, b"later"), "it answered 503"),
        ((200, b"<html>log in</html>"), "gave no token"),
        ((200, b"[" * 100_000), "gave no token"),
        ((200, b"{}"), "without an access_token"),
        ((200, b"[]"), "without an access_token"),
        ((200, b'{"access_token": 7}'), "without an access_token"),
        ((200, b'{"access_token": ""}'), "without an access_token"),
    ],
)
def test_an_endpoint_that_gives_no_token_is_named_with_the_settings_and_without_the_secret(
    endpoint: Endpoint, answer: tuple[int, bytes], said: str
) -> None:
    endpoint.answer = answer
    with pytest.raises(ServerError) as refused:
        fetched_token(endpoint.credentials)
    assert said in refused.value.message
    assert "TOKEN_ENDPOINT_URL" in refused.value.remedy
    assert SECRET not in str(refused.value)


def test_an_endpoint_that_is_away_is_named() -> None:
    with pytest.raises(ServerError, match=r"127.0.0.1:1/token gave no token"):
        fetched_token(ClientCredentials("http://127.0.0.1:1/token", "me", SECRET))
