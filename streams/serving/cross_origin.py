"""Pages of other origins may ask: scrobblers in browsers do. A token says who asks, never a cookie.

A browser first asks whether it may (a preflight); that answer is empty, or a problem as any other.
"""

from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from streams.serving.problems import problem, rate_headers

_METHODS = ("GET", "HEAD", "POST")
_READABLE = ("Retry-After", "ETag", *rate_headers(0, 0, 0))
"""Headers of an answer that a page may read."""
READABLE = {"Access-Control-Allow-Origin": "*"}
"""Lets a page of any origin read an answer."""
_OF_CONTENT = ("content-length", "content-type")


class CrossOrigin(CORSMiddleware):
    """ASGI middleware: every origin may ask with every header."""

    def __init__(self, app: ASGIApp) -> None:
        given: dict[str, Any] = {"allow_origins": ["*"], "allow_headers": ["*"]}
        super().__init__(app, allow_methods=_METHODS, expose_headers=_READABLE, **given)

    def preflight_response(self, request_headers: Headers) -> Response:
        """204 without a body; 400 in the form of all problems if the request would be refused."""
        answer = super().preflight_response(request_headers)
        own = {name: each for name, each in answer.headers.items() if name not in _OF_CONTENT}
        if answer.status_code < HTTPStatus.BAD_REQUEST:
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=own)
        return problem(HTTPStatus.BAD_REQUEST, bytes(answer.body).decode(), own)
