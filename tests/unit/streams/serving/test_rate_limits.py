"""Reads are limited for each person and each address, and a window ends by the clock."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.types import Message

from streams.people.people import Person
from streams.people.people_directory import PeopleDirectory
from streams.serving import rate_limits
from streams.serving.problems import Json, rate_headers, unavailable
from streams.serving.rate_limits import LimitedReads, ReadLimits

PEOPLE = cast(
    "PeopleDirectory",
    SimpleNamespace(known_person_of={"of-ann": Person("ann"), "too-of-ann": Person("ann")}.get),
)


def asking(token: str = "", address: str = "192.0.2.1") -> Request:
    """A request with a token from an address."""
    headers = [(b"authorization", f"Token {token}".encode())]
    scope: dict[str, Any] = {"type": "http", "headers": headers, "query_string": b""}
    return Request(scope | {"client": (address, 1)})


class Clock:
    """A time that a test sets."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def limits(limit: int, clock: Clock | None = None) -> ReadLimits:
    """Limits that are not added up, since nothing runs beside them."""
    return ReadLimits(Redis(), limit, clock=clock or Clock())


def remaining(reads: ReadLimits, request: Request) -> int | None:
    allowance = reads.take(request, PEOPLE)
    return allowance.remaining if allowance else None


def test_each_person_has_one_allowance_whatever_token_and_address_they_ask_with() -> None:
    reads = limits(3)
    asked = [asking("of-ann"), asking("too-of-ann"), asking("of-ann", "192.0.2.2")]
    assert [remaining(reads, each) for each in [*asked, asking("of-ann")]] == [2, 1, 0, -1]
    assert remaining(reads, asking("", "192.0.2.2")) == 2


def test_tokens_that_nobody_has_are_counted_by_their_address() -> None:
    reads = limits(3)
    guesses = [asking(f"guess-{number}") for number in range(4)]
    assert [remaining(reads, each) for each in guesses] == [2, 1, 0, -1]


def test_a_new_window_begins_anew_and_the_headers_say_when() -> None:
    clock = Clock()
    reads = limits(1, clock)
    first = reads.take(asking(), PEOPLE)
    clock.now += 9.5
    late = reads.take(asking(), PEOPLE)
    assert first is not None
    assert late is not None
    assert (first.reset_in_s, late.reset_in_s, late.remaining) == (10, 1, -1)
    assert {name: int(value) >= 0 for name, value in late.headers().items()} == {
        "X-RateLimit-Limit": True,
        "X-RateLimit-Remaining": True,
        "X-RateLimit-Reset-In": True,
        "X-RateLimit-Reset": True,
    }
    clock.now += 0.5
    assert remaining(reads, asking()) == 0


def test_without_a_limit_nothing_is_counted() -> None:
    assert remaining(limits(0), asking()) is None


def test_the_number_of_addresses_that_are_counted_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(rate_limits, "READERS_MAX", 2)
    reads = limits(9)
    found = [remaining(reads, asking("", f"192.0.2.{host}")) for host in (1, 2, 3, 1)]
    assert found == [8, 8, None, 7]


async def answered(
    answer: Json, reads: ReadLimits, *, method: str = "GET", path: str = "/v1/x"
) -> Message:
    """The start of what is sent to ann, who asks once."""
    services = SimpleNamespace(reads=reads, people=PEOPLE)
    app: Any = SimpleNamespace(state=SimpleNamespace(services=services))
    scope = asking("of-ann").scope | {"method": method, "path": path, "app": app}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await LimitedReads(answer)(scope, receive, send)
    return sent[0]


@pytest.mark.parametrize("answer", [Json({}), unavailable("it is away").answer()])
async def test_an_answer_has_each_header_once_as_an_integer(answer: Json) -> None:
    sent = await answered(answer, limits(3))
    names = [name for name, value in sent["headers"] if value.isdigit()]
    expected = [name.lower().encode() for name in rate_headers(0, 0, 0)]
    assert [names.count(each) for each in expected] == [1, 1, 1, 1]
    assert len(sent["headers"]) == len({name for name, _ in sent["headers"]})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/similar/track/t"),
        ("GET", "/v1/listeners/ann/recommendations"),
        ("POST", "/v1/continue"),
    ],
)
async def test_questions_are_reads_whatever_their_method(method: str, path: str) -> None:
    reads = limits(1)
    found = [await answered(Json({}), reads, method=method, path=path) for _ in range(2)]
    assert [each["status"] for each in found] == [200, 429]
    assert all(b"x-ratelimit-remaining" in dict(each["headers"]) for each in found)


@pytest.mark.parametrize("path", ["/1/submit-listens", "/v1/playback", "/v1/feedback"])
async def test_what_is_sent_is_never_limited(path: str) -> None:
    reads = limits(1)
    found = [await answered(Json({}), reads, method="POST", path=path) for _ in range(2)]
    assert [each["status"] for each in found] == [200, 200]
    assert b"x-ratelimit-remaining" not in dict(found[0]["headers"])
