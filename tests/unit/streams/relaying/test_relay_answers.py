"""An answer says whether listens were delivered, are at fault, or have to wait, and how long."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.relaying.relay_answers import (
    DENIED_S,
    LIMITED_S,
    NAMED_WAIT_MAX_S,
    WAIT_MAX_S,
    Verdict,
    answer_of,
    no_answer,
)

OK = {"status": "ok"}
DELIVERED, REFUSED, WAIT = Verdict.DELIVERED, Verdict.REFUSED, Verdict.WAIT


@pytest.mark.parametrize(
    ("status", "headers", "body", "verdict", "wait_s"),
    [
        (200, {}, OK, DELIVERED, 0),
        (200, {"x-ratelimit-remaining": "5", "x-ratelimit-reset-in": "9"}, OK, DELIVERED, 0),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset-in": "9"}, OK, DELIVERED, 9),
        (200, {}, None, WAIT, 4),
        (200, {}, {"status": "error"}, WAIT, 4),
        (200, {}, ["ok"], WAIT, 4),
        (204, {}, None, WAIT, 4),
        (400, {}, {"error": "no"}, REFUSED, 0),
        (413, {}, None, REFUSED, 0),
        (422, {}, None, REFUSED, 0),
        (401, {}, None, WAIT, DENIED_S),
        (403, {}, None, WAIT, DENIED_S),
        (404, {}, None, WAIT, DENIED_S),
        (302, {"location": "http://elsewhere"}, None, WAIT, DENIED_S),
        (429, {"x-ratelimit-reset-in": "7"}, None, WAIT, 7),
        (429, {"retry-after": "8"}, None, WAIT, 8),
        (429, {}, None, WAIT, LIMITED_S),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None, WAIT, LIMITED_S),
        (429, {"retry-after": "nan"}, None, WAIT, LIMITED_S),
        (429, {"retry-after": "1e99"}, None, WAIT, NAMED_WAIT_MAX_S),
        (500, {}, None, WAIT, 4),
        (503, {"retry-after": "30"}, None, WAIT, 30),
        (408, {}, None, WAIT, 4),
    ],
)
def test_an_answer_means_this(
    status: int, headers: dict[str, str], body: Any, verdict: Verdict, wait_s: float
) -> None:
    answer = answer_of(status, headers, body, failures=2)
    assert (answer.verdict, answer.wait_s) == (verdict, wait_s)
    assert bool(answer.why) is (verdict is not DELIVERED)


def test_the_reason_of_a_service_is_kept() -> None:
    assert answer_of(400, {}, {"error": "bad timestamp"}, 0).why == "400: bad timestamp"


@given(failures=st.integers(0, 10_000))
def test_waiting_grows_with_failures_to_a_bound(failures: int) -> None:
    one, more = no_answer("x", failures).wait_s, no_answer("x", failures + 1).wait_s
    assert 1 <= one <= more <= WAIT_MAX_S


@given(
    status=st.integers(100, 599),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-reset-in", "x-ratelimit-remaining"]),
        st.text(max_size=8),
    ),
)
def test_whatever_a_service_answers_nothing_but_its_ok_is_a_delivery(
    status: int, headers: dict[str, str]
) -> None:
    answer = answer_of(status, headers, None, 0)
    assert answer.verdict is not DELIVERED
    assert 0 <= answer.wait_s <= NAMED_WAIT_MAX_S
