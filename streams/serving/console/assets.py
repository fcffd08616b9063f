"""The files of the page, compressed once; their addresses name their content."""

import functools
import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "charts.js": "text/javascript; charset=utf-8",
    "app.css": "text/css; charset=utf-8",
    "uplot.js": "text/javascript; charset=utf-8",
    "uplot.css": "text/css; charset=utf-8",
    "uplot.LICENSE": "text/plain; charset=utf-8",
}
INDEX = "index.html"
_DIGEST_LETTERS = 16


class Asset(NamedTuple):
    """A file as it is sent."""

    content_type: str
    body: bytes
    gzipped: bytes
    digest: str


@functools.cache
def assets() -> dict[str, Asset]:
    """All files by name; the page names each other one with its digest."""
    found = {name: _asset(name, (_FOLDER / name).read_bytes()) for name in _TYPES}
    page = found[INDEX].body.decode()
    for name, each in found.items():
        page = page.replace(f'"/console/{name}"', f'"/console/{name}?v={each.digest}"')
    return found | {INDEX: _asset(INDEX, page.encode())}


def _asset(name: str, body: bytes) -> Asset:
    digest = hashlib.sha256(body).hexdigest()[:_DIGEST_LETTERS]
    return Asset(_TYPES[name], body, gzip.compress(body, 9, mtime=0), digest)
