"""The page and its files. Nothing of them is secret; what they show is asked for with a token."""

from starlette.requests import Request
from starlette.responses import Response

from streams.serving.console.assets import INDEX, Asset, assets
from streams.serving.problems import ProblemError
from streams.serving.services import Services

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}
_ASK_EACH_TIME = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"


async def index(request: Request, _: Services) -> Response:
    """The page."""
    return _answer(request, assets()[INDEX])


async def asset(request: Request, _: Services, name: str) -> Response:
    """A file of the page."""
    found = assets().get(name)
    if found is None or name == INDEX:
        raise ProblemError(404, f"the console has no file {name}")
    return _answer(request, found)


def _answer(request: Request, found: Asset) -> Response:
    is_named = request.query_params.get("v") == found.digest
    headers = {
        **_HEADERS,
        "Cache-Control": _FOR_EVER if is_named else _ASK_EACH_TIME,
        "ETag": f'"{found.digest}"',
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.gzipped, headers=headers, media_type=found.content_type)
    return Response(found.body, headers=headers, media_type=found.content_type)
