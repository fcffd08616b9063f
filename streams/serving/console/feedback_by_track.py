"""Love, hate and "not now" by the ids of EchoTune's tracks: also of one that was never played."""

import uuid

from starlette.requests import Request

from streams.listens.listen_history import Feedback
from streams.people.people import Person
from streams.producers.acknowledged_producer import event_record
from streams.serving.authentication import person_of, readable
from streams.serving.feedback import projected
from streams.serving.json_values import can_be_kept
from streams.serving.listenbrainz_read import track_names
from streams.serving.listenbrainz_write import produced
from streams.serving.problems import Json, ProblemError
from streams.serving.request_bodies import json_body, object_of
from streams.serving.services import Services, now_ms
from topics.listening_event import ID_LENGTH_MAX, EventKind, ListeningEvent

SOURCE = "console"
FEEDBACK_MAX = 500
_KINDS = {1: EventKind.LOVE, -1: EventKind.HATE, 0: EventKind.CLEAR}


async def feedback(request: Request, services: Services, name: str) -> Json:
    """The scores of the tracks that a person loves (1) or hates (-1), of the newest feedback."""
    person = await readable(request, services.people, name)
    found, total = await services.history.feedback(
        person.name, score=None, count=FEEDBACK_MAX, offset=0
    )
    scores = {each.track_id: each.score for each in found}
    return Json({"scores": scores, "total": total}, headers={"Cache-Control": "private, no-store"})


async def set_feedback(request: Request, services: Services) -> Json:
    """Takes love (1), hate (-1) or neither (0) for a track."""
    person = await person_of(request, services.people)
    body = object_of(await json_body(request))
    track_id, score = _track_id(body.get("track_id")), _score(body.get("score"))
    at_ms = await _said(services, person, track_id, _KINDS[score])
    written = Feedback(person.name, track_id, score, at_ms, recording_msid="")
    await projected(lambda: services.history.has_feedback(written))
    return Json({"status": "ok"})


async def dismiss(request: Request, services: Services) -> Json:
    """Takes a track off the person's lists for now, or, with `undo`, lets it come back.

    Whether they love or hate it stays as it is.
    """
    person = await person_of(request, services.people)
    body = object_of(await json_body(request))
    track_id, undo = _track_id(body.get("track_id")), body.get("undo", False)
    if not isinstance(undo, bool):
        raise ProblemError(400, "undo is neither true nor false")
    kind = await _thought_of(services, person, track_id) if undo else EventKind.DISMISS
    await _said(services, person, track_id, kind)
    return Json({"status": "ok"})


async def _thought_of(services: Services, person: Person, track_id: str) -> EventKind:
    """What the person has said of a track; said again, it ends a dismissal and changes no more."""
    found = await services.history.feedback_for(person.name, [track_id])
    scores = {each.track_id: each.score for each in found}
    return _KINDS[scores.get(track_id, 0)]


async def _said(services: Services, person: Person, track_id: str, kind: EventKind) -> int:
    """Sends what a person says of a track; returns when, in ms."""
    known = (await track_names(services, [track_id])).get(track_id)
    at_ms = now_ms()
    event = ListeningEvent(
        event_id=str(uuid.uuid4()),
        listener_id=person.name,
        kind=kind,
        source=SOURCE,
        track_id=track_id,
        artist_name=known.artist_name if known else None,
        track_name=known.track_name if known else None,
        release_name=known.release_name if known else None,
        listened_at=at_ms,
    )
    await produced(services, [event_record(event)])
    return at_ms


def _track_id(value: object) -> str:
    is_id = isinstance(value, str) and 0 < len(value) <= ID_LENGTH_MAX and can_be_kept(value)
    if not isinstance(value, str) or not is_id:
        raise ProblemError(400, "track_id is not the id of a track")
    return value


def _score(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _KINDS:
        raise ProblemError(400, "score is not one of 1, 0 and -1")
    return value
