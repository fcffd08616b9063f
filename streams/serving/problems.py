"""Errors of the HTTP service in one JSON envelope: `{"code": 404, "error": "..."}`.

Several clients read `code` of the body, and take an error without it for a delivery.
"""

import time
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

RETRY_AFTER_S = 5


class Json(Response):
    """A JSON answer, encoded by orjson; half a surrogate pair cannot be answered, and is none."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)


class ProblemError(Exception):
    """What is answered instead of a result."""

    def __init__(self, code: int, error: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error)
        self.code = code
        self.error = error
        self.headers = dict(headers or {})

    def answer(self) -> Json:
        """The answer."""
        return problem(self.code, self.error, self.headers)


def problem(code: int, error: str, headers: Mapping[str, str] | None = None) -> Json:
    """An answer that says what is wrong."""
    return Json({"code": code, "error": error}, code, dict(headers or {}))


def unavailable(error: str) -> ProblemError:
    """503: clients keep what they sent, and send it again. Never 429, upon which some drop it."""
    wait = {"Retry-After": str(RETRY_AFTER_S), **rate_headers(1, 0, RETRY_AFTER_S)}
    return ProblemError(503, error, wait)


def rate_headers(limit: int, remaining: int, reset_in_s: int) -> dict[str, str]:
    """ListenBrainz' headers: clients read all four as integers, or none."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-In": str(reset_in_s),
        "X-RateLimit-Reset": str(int(time.time()) + reset_in_s),
    }
