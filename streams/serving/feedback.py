"""ListenBrainz' API, the part that takes what a person thinks of recordings, and takes plays back.

Clients read what they have just written. So these wait, within bounds, until the listen history
shows it.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.requests import Request

from streams.listens.listen_history import Feedback, Listen
from streams.producers.acknowledged_producer import event_record
from streams.serving.authentication import person_of
from streams.serving.listen_events import SOURCE
from streams.serving.listenbrainz_write import produced
from streams.serving.problems import Json, ProblemError
from streams.serving.request_bodies import json_body, object_of
from streams.serving.services import Services, now_ms
from topics.identity import MBID_PREFIX
from topics.listening_event import EventKind, ListeningEvent

PROJECTED_WITHIN_S = 2.0
"""How long a request waits for the listen history."""
_POLL_S = 0.05
_TIME_END_S = 2**40
_KINDS = {1: EventKind.LOVE, -1: EventKind.HATE, 0: EventKind.CLEAR}

T = TypeVar("T")


async def delete_listen(request: Request, services: Services) -> Json:
    """Takes a listen back; one that is not there needs no deletion, and is `ok`, too."""
    person = await person_of(request, services.people)
    body = object_of(await json_body(request))
    listened_at = seconds(body.get("listened_at"), "listened_at")
    msid = uuid_of(body.get("recording_msid"))
    if msid is None:
        raise ProblemError(400, "recording_msid is not a UUID")
    meant = await projected(lambda: _at(services, person.name, listened_at * 1_000, msid))
    records = [event_record(_retraction(each)) for each in meant or ()]
    await produced(services, records)
    return Json({"status": "ok"})


async def _at(services: Services, name: str, listened_at_ms: int, msid: str) -> list[Listen]:
    found = await services.history.at(name, listened_at_ms)
    return [each for each in found if each.recording_msid == msid]


def _retraction(listen: Listen) -> ListeningEvent:
    return ListeningEvent(
        event_id=str(uuid.uuid4()),
        listener_id=listen.listener_id,
        kind=EventKind.RETRACT,
        source=SOURCE,
        track_id=listen.track_id,
        listened_at=listen.listened_at,
    )


async def recording_feedback(request: Request, services: Services) -> Json:
    """Takes love (1), hate (-1) or neither (0) for a recording."""
    person = await person_of(request, services.people)
    body = object_of(await json_body(request))
    score = body.get("score")
    if isinstance(score, bool) or not isinstance(score, int) or score not in _KINDS:
        raise ProblemError(400, "score is not one of 1, 0 and -1")
    mbid, msid = (uuid_of(body.get(f"recording_{each}")) for each in ("mbid", "msid"))
    if (recording := mbid or msid) is None:
        raise ProblemError(400, "recording_mbid or recording_msid (a UUID) is needed")
    field = "recording_mbid" if mbid else "recording_msid"
    found = await services.history.with_id(person.name, field, recording)
    event = ListeningEvent(
        event_id=str(uuid.uuid4()),
        listener_id=person.name,
        kind=_KINDS[score],
        source=SOURCE,
        track_id=found.track_id if found else recording,
        artist_name=found.artist_name if found else None,
        track_name=found.track_name if found else None,
        release_name=found.release_name if found else None,
        source_track_id=MBID_PREFIX + mbid if mbid else None,
        listened_at=now_ms(),
    )
    await produced(services, [event_record(event)])
    written = Feedback(
        *(person.name, event.track_id or "", score, event.listened_at or 0), recording_msid=""
    )
    await projected(lambda: services.history.has_feedback(written))
    return Json({"status": "ok"})


async def set_latest_import(request: Request, services: Services) -> Json:
    """Notes up to when an importer has come."""
    person = await person_of(request, services.people)
    ts = seconds(object_of(await json_body(request)).get("ts", 0), "ts")
    await services.history.note_import(person.name, ts, now_ms())
    return Json({"status": "ok"})


async def projected(ask: Callable[[], Awaitable[T]]) -> T | None:
    """The first answer that is not empty; None if there is none in time."""
    for _ in range(int(PROJECTED_WITHIN_S / _POLL_S)):
        if found := await ask():
            return found
        await asyncio.sleep(_POLL_S)
    return None


def seconds(value: Any, name: str) -> int:
    """A time in whole seconds; clients send an int, or a float."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < _TIME_END_S:
        raise ProblemError(400, f"{name} is not a number of seconds")
    return int(value)


def uuid_of(value: Any) -> str | None:
    """A UUID in lower case; None for everything else."""
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
