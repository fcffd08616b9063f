"""A registry that does not answer as one is away: it says nothing of any schema."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

from infra.daemon import LOOPBACK, free_port
from streams.registry.http_schema_registry import ANSWER_BYTES_MAX, HttpSchemaRegistry
from topics.errors import RegistryUnavailableError, SchemaError, SettingsError


class AnAnswer(BaseHTTPRequestHandler):
    """Answers whatever it is asked as it is told, and keeps what it was asked."""

    status: ClassVar[int] = 200
    body: ClassVar[bytes] = b""
    bodies: ClassVar[dict[str, Any]] = {}
    """Path → the JSON value with which it is answered instead."""
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        is_told = self.path in self.bodies
        body = json.dumps(self.bodies[self.path]).encode() if is_told else self.body
        self.send_response(200 if is_told else self.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def answer() -> Iterator[type[AnAnswer]]:
    class Answer(AnAnswer):
        asked: ClassVar[list[tuple[str, str | None]]] = []

    server = HTTPServer((LOOPBACK, 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Answer.port = server.server_port  # type: ignore[attr-defined]
    yield Answer
    server.shutdown()
    server.server_close()
    thread.join()


def registry_of(answer: Any, login: str = "") -> HttpSchemaRegistry:
    return HttpSchemaRegistry(f"http://{login}{LOOPBACK}:{answer.port}/sub", timeout_s=5.0)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b'{"error_code": 404, "message": "no such page"}'),
        (404, b'{"status": 404}'),
        (404, b"<html>"),
        (401, b'{"error_code": 40101, "message": "who are you"}'),
        (403, b""),
        (302, b"{}"),
        (500, b'{"error_code": 50001, "message": "store"}'),
        (503, b"busy"),
        (200, b""),
        (200, b"[]"),
        (200, b"null"),
        (200, b'{"schema": 7}'),
        (200, b'{"schema": "{}", "references": 7}'),
        (200, b'{"schema": "{}", "references": [7]}'),
        (200, b'{"schema": "{}", "references": [{"subject": [], "version": "1"}]}'),
        (200, b"\xff"),
        (200, b"[" * 200_000),
    ],
)
def test_any_answer_that_is_not_about_the_schema_means_that_the_registry_is_away(
    answer: type[AnAnswer], status: int, body: bytes
) -> None:
    answer.status, answer.body = status, body
    with pytest.raises(RegistryUnavailableError, match="ECHOTUNE_SCHEMA_REGISTRY"):
        registry_of(answer).schema(7)
    assert [path for path, _ in answer.asked] == ["/sub/schemas/ids/7"]


def test_only_the_registrys_own_words_say_that_an_id_is_unknown(answer: type[AnAnswer]) -> None:
    answer.status, answer.body = 404, b'{"error_code": 40403, "message": "Schema not found"}'
    assert registry_of(answer).schema(7) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"schema": "{}", "schemaType": "PROTOBUF"}',
        b" " * (ANSWER_BYTES_MAX + 1),
    ],
)
def test_what_is_not_one_avro_schema_of_a_bounded_length_is_a_schema_error(
    answer: type[AnAnswer], body: bytes
) -> None:
    answer.body = body
    with pytest.raises(SchemaError):
        registry_of(answer).schema(7)


GUID = "c9c54b26-0a87-4a8a-9ff1-2a7dd0b0b0a1"


def test_a_schema_and_those_that_it_refers_to_are_fetched_by_a_guid(
    answer: type[AnAnswer],
) -> None:
    middle = {"name": "m", "subject": "a/b", "version": 2}
    last = {"name": "l", "subject": "c", "version": 1}
    answer.bodies = {
        f"/sub/schemas/guids/{GUID}": {"schema": "top", "references": [middle, last]},
        "/sub/subjects/a%2Fb/versions/2": {"schema": "middle", "references": [last, middle]},
        "/sub/subjects/c/versions/1": {"schema": "last"},
    }
    assert registry_of(answer).schema(GUID) == ("top", ("last", "middle"))
    assert len(answer.asked) == 3


def test_references_without_an_end_are_refused(answer: type[AnAnswer]) -> None:
    def body(at: int) -> dict[str, Any]:
        following = {"name": "n", "subject": "s", "version": at + 1}
        return {"schema": "{}", "references": [following]}

    answer.bodies = {f"/sub/subjects/s/versions/{at}": body(at) for at in range(200)}
    answer.bodies["/sub/schemas/ids/7"] = body(0)
    with pytest.raises(SchemaError, match="more than 64 others"):
        registry_of(answer).schema(7)


def test_a_reference_to_nothing_is_a_schema_error(answer: type[AnAnswer]) -> None:
    nothing = {"name": "n", "subject": "s", "version": 1}
    answer.bodies = {"/sub/schemas/ids/7": {"schema": "{}", "references": [nothing]}}
    answer.status, answer.body = 404, b'{"error_code": 40401, "message": "Subject not found"}'
    with pytest.raises(SchemaError, match="does not have"):
        registry_of(answer).schema(7)


def test_a_registry_that_knows_no_guids_does_not_know_this_one(answer: type[AnAnswer]) -> None:
    answer.status, answer.body = 404, b"<html>"
    with pytest.raises(RegistryUnavailableError):
        registry_of(answer).schema(GUID)
    answer.bodies = {"/sub/schemas/types": ["AVRO"]}
    assert registry_of(answer).schema(GUID) is None


def test_user_and_password_are_sent_and_never_shown(answer: type[AnAnswer]) -> None:
    answer.status, answer.body = 500, b"{}"
    with pytest.raises(RegistryUnavailableError) as failure:
        registry_of(answer, "me:s%40cret@").schema(7)
    assert answer.asked == [("/sub/schemas/ids/7", "Basic bWU6c0BjcmV0")]
    assert "s%40cret" not in str(failure.value)
    assert "s@cret" not in str(failure.value)


def test_nobody_there_means_away() -> None:
    with pytest.raises(RegistryUnavailableError):
        HttpSchemaRegistry(f"http://{LOOPBACK}:{free_port()}").schema(7)


@pytest.mark.parametrize("url", ["registry:8081", "ftp://host", "http://", "http://host:port"])
def test_what_is_no_address_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="ECHOTUNE_SCHEMA_REGISTRY"):
        HttpSchemaRegistry(url)


@pytest.mark.parametrize("status", [401, 403])
def test_a_registry_that_refuses_the_user_is_said_to_refuse(answer: Any, status: int) -> None:
    answer.status, answer.body = status, b'{"error_code": 40101, "message": "Unauthorized"}'
    with pytest.raises(RegistryUnavailableError, match="refuses this client") as refused:
        registry_of(answer, "me:s3cret@").level("listening-events-value")
    assert f"Unauthorized ({status})" in refused.value.message
    assert "user and password" in refused.value.remedy
    assert "s3cret" not in str(refused.value)
