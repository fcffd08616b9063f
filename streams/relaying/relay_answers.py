"""What an answer of a service means for the listens that it was sent. Pure."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

WAIT_FIRST_S, WAIT_MAX_S = 1.0, 300.0
LIMITED_S = 10.0
"""How long to wait after 429 if the service does not say."""
DENIED_S = 3_600.0
"""How long to wait where only a person can help."""
NAMED_WAIT_MAX_S = 24 * 3_600.0
_OK, _BAD_REQUEST, _DENIED, _TOO_LARGE, _UNPROCESSABLE, _LIMITED = 200, 400, 401, 413, 422, 429
_NO_API = (403, 404, 405, 410)
_REDIRECTS = range(300, 400)


class Verdict(Enum):
    """What becomes of the listens."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """One of them, or the only one, is not acceptable."""
    WAIT = "wait"
    """They are sent again later."""
    STOP = "stop"
    """Nothing is sent until a person has helped."""


class Answer(NamedTuple):
    """A verdict, how long to wait before anything else is sent, and why."""

    verdict: Verdict
    wait_s: float = 0.0
    why: str = ""
    ignored: tuple[tuple[int, str], ...] = ()
    """Listens that the service took and left out, by their place, and why."""
    done: int = 0
    """How many of the first listens are settled, where the rest waits."""


def answer_of(status: int, headers: Mapping[str, str], body: Any, failures: int) -> Answer:
    """What an answer means after `failures` attempts that failed; `body` is None if no JSON."""
    if status == _OK:
        return _accepted(headers, body, failures)
    return answer_of_http(status, headers, body, failures)


def answer_of_http(status: int, headers: Mapping[str, str], body: Any, failures: int) -> Answer:
    """What an answer means that is not 200."""
    if status in (_BAD_REQUEST, _TOO_LARGE, _UNPROCESSABLE):
        return Answer(Verdict.REFUSED, 0.0, f"{status}: {_error(body)}")
    if status == _DENIED:
        return Answer(Verdict.WAIT, DENIED_S, "401: the token is not accepted; add the relay anew")
    if status in _NO_API or status in _REDIRECTS:
        return Answer(Verdict.WAIT, DENIED_S, f"{status}: the URL or the token is not right")
    named = _named_wait(headers)
    if status == _LIMITED:
        return Answer(Verdict.WAIT, named or LIMITED_S, "429: the service limits the rate")
    return Answer(Verdict.WAIT, named or backoff_s(failures), f"{status}: {_error(body)}")


def no_answer(error: str, failures: int) -> Answer:
    """What it means that no answer came: the service may have the listens, or not."""
    return Answer(Verdict.WAIT, backoff_s(failures), error)


def backoff_s(failures: int) -> float:
    """How long to wait after `failures` attempts that failed before this one.

    >>> [backoff_s(each) for each in (0, 1, 5, 99)]
    [1.0, 2.0, 32.0, 300.0]
    """
    return min(WAIT_FIRST_S * 2.0 ** min(failures, 20), WAIT_MAX_S)


def _accepted(headers: Mapping[str, str], body: Any, failures: int) -> Answer:
    """A page that a proxy answers with 200 is no delivery."""
    if not isinstance(body, Mapping) or body.get("status") != "ok":
        return Answer(Verdict.WAIT, backoff_s(failures), "200, but not as ListenBrainz answers")
    is_used_up = headers.get("x-ratelimit-remaining", "") == "0"
    return Answer(Verdict.DELIVERED, _named_wait(headers) if is_used_up else 0.0)


def _named_wait(headers: Mapping[str, str]) -> float:
    """The wait in s that a service names; 0 if it names none that is a number."""
    for name in ("x-ratelimit-reset-in", "retry-after"):
        try:
            seconds = float(headers.get(name, ""))
        except ValueError:
            continue
        if seconds >= 0:  # no NaN is
            return min(seconds, NAMED_WAIT_MAX_S)
    return 0.0


def _error(body: Any) -> str:
    said = body.get("error") if isinstance(body, Mapping) else None
    return str(said)[:200] if said else "no reason was given"
