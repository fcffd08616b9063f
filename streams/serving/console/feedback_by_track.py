"""Love and hate by the ids of EchoTune's own tracks: also of a track that was never played."""

import uuid

from starlette.requests import Request

from streams.listens.listen_history import Feedback
from streams.producers.acknowledged_producer import event_record
from streams.serving.authentication import person_of, readable
from streams.serving.feedback import object_of, projected
from streams.serving.json_values import can_be_kept
from streams.serving.listenbrainz_read import track_names
from streams.serving.listenbrainz_write import produced
from streams.serving.problems import Json, ProblemError
from streams.serving.request_bodies import json_body
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
    known = (await track_names(services, [track_id])).get(track_id)
    event = ListeningEvent(
        event_id=str(uuid.uuid4()),
        listener_id=person.name,
        kind=_KINDS[score],
        source=SOURCE,
        track_id=track_id,
        artist_name=known.artist_name if known else None,
        track_name=known.track_name if known else None,
        release_name=known.release_name if known else None,
        listened_at=now_ms(),
    )
    await produced(services, [event_record(event)])
    written = Feedback(person.name, track_id, score, event.listened_at or 0, recording_msid="")
    await projected(lambda: services.history.has_feedback(written))
    return Json({"status": "ok"})


def _track_id(value: object) -> str:
    is_id = isinstance(value, str) and 0 < len(value) <= ID_LENGTH_MAX and can_be_kept(value)
    if not isinstance(value, str) or not is_id:
        raise ProblemError(400, "track_id is not the id of a track")
    return value


def _score(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _KINDS:
        raise ProblemError(400, "score is not one of 1, 0 and -1")
    return value
