"""What the console shows of one listener: who they are, their history, and their clients."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from streams.listens.listen_history import Listen
from streams.serving.authentication import person_of, readable
from streams.serving.listen_events import SOURCE as LISTENBRAINZ
from streams.serving.listenbrainz_read import number
from streams.serving.problems import Json
from streams.serving.services import Services

HISTORY_MAX = 200
HISTORY_COUNT = 50
CLIENTS_OF = 1_000
"""Clients are those of this many newest listens."""
_TIME_END_MS = 2**53
_PRIVATE = {"Cache-Control": "private, no-store"}


async def me(request: Request, services: Services) -> Json:
    """Whose token it is."""
    person = await person_of(request, services.people)
    return Json({"name": person.name, "is_admin": person.is_admin}, headers=_PRIVATE)


async def history(request: Request, services: Services, name: str) -> Json:
    """The newest listens; `before` (ms, exclusive) pages back."""
    person = await readable(request, services.people, name)
    count = number(request, "count", HISTORY_COUNT, most=HISTORY_MAX)
    before = number(request, "before", 0, most=_TIME_END_MS)
    found = await services.history.listens(person.name, count=count, before_ms=before or None)
    return Json({"listens": [listen_json(each) for each in found]}, headers=_PRIVATE)


def listen_json(listen: Listen) -> dict[str, Any]:
    """A listen as the console shows it; times in ms."""
    return {
        "track_id": listen.track_id,
        "listened_at": listen.listened_at,
        "recording_msid": listen.recording_msid,
        "artist_name": listen.artist_name,
        "track_name": listen.track_name,
        "release_name": listen.release_name,
        "client": client_of(listen.source),
    }


async def clients(request: Request, services: Services, name: str) -> Json:
    """Which clients sent the newest listens, how many of them, and when they were seen last."""
    person = await readable(request, services.people, name)
    found = await services.history.listens(person.name, count=CLIENTS_OF)
    return Json({"clients": clients_of(found), "of_newest": CLIENTS_OF}, headers=_PRIVATE)


def clients_of(listens: Sequence[Listen]) -> list[dict[str, Any]]:
    """One object for each client, the one seen last first; times in ms."""
    by_client: dict[str, list[int]] = {}
    for each in listens:
        by_client.setdefault(client_of(each.source), []).append(each.recorded_at)
    found = [
        {"client": name, "listens": len(times), "first_seen": min(times), "last_seen": max(times)}
        for name, times in by_client.items()
    ]
    return sorted(found, key=lambda each: (-int(each["last_seen"]), str(each["client"])))


def client_of(source: str) -> str:
    """The client in an event's source; files and services are named as such.

    >>> client_of("listenbrainz:pano-scrobbler"), client_of("spotify"), client_of("history:7f")
    ('pano-scrobbler', 'spotify', 'history')
    """
    kind, _, client = source.partition(":")
    return (client if kind == LISTENBRAINZ and client else kind) or "unknown"
