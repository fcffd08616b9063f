"""Mends the paths that real clients ask for, before they are routed.

Some join an address and a path so that a slash doubles, some append one, and some know the API
under the prefix of ListenBrainz' other door.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile("/{2,}")
_ALIAS = "/apis/listenbrainz"


class PathRules:
    """ASGI middleware: merges slashes, drops a trailing one, and resolves the alias."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with the path that is meant."""
        if scope["type"] == "http":
            scope["path"] = mended(scope["path"])
            scope["raw_path"] = scope["path"].encode("utf-8", "replace")
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
