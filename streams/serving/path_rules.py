"""Mends what real clients ask for, before it is routed.

Some join an address and a path so that a slash doubles, some append one, and some know the API
under the prefix of ListenBrainz' other door. Monitors ask with HEAD, which is GET without a body.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile("/{2,}")
_ALIAS = "/apis/listenbrainz"
_ENDLESS = "/v1/events"
"""An answer that has no end, so that HEAD cannot have one either."""


class PathRules:
    """ASGI middleware: merges slashes, drops a trailing one, and routes the alias and HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with the path that is meant."""
        if scope["type"] == "http":
            path = mended(scope["path"])
            scope = {**scope, "path": path, "raw_path": path.encode("utf-8", "replace")}
            if scope["method"] == "HEAD" and path != _ENDLESS:
                scope["method"] = "GET"  # the server knows, and sends no body
        await self._app(scope, receive, send)


def mended(path: str) -> str:
    """The path that is meant.

    >>> mended("/1//user/ada/listens"), mended("/apis/listenbrainz/1/submit-listens/")
    ('/1/user/ada/listens', '/1/submit-listens')
    """
    path = _SLASHES.sub("/", path)
    if path.startswith(f"{_ALIAS}/1"):
        path = path.removeprefix(_ALIAS)
    return path.rstrip("/") or "/"
