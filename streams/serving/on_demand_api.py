"""EchoTune's own API: what follows a queue or a playlist, and what is like a track or an artist."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from streams.answering.questions import QUEUE_MAX, Kind, Question
from streams.people.people import Person
from streams.serving.authentication import person_of
from streams.serving.json_values import can_be_kept
from streams.serving.on_demand import answered, wishes_in_query
from streams.serving.problems import Json, ProblemError
from streams.serving.request_bodies import json_body, object_of
from streams.serving.services import Services
from streams.serving.stated_wishes import WishesError, wishes_of
from streams.serving.track_references import ID_LETTERS_MAX, TrackReference, reference_of
from topics.identity import artist_id_of

_NAMES = ("track_id", "artist_name", "track_name", "recording_mbid")
PER_ARTIST = 3
"""Maximum number of tracks of each similar artist, unless the request says another."""


async def continue_queue(request: Request, services: Services) -> Json:
    """What follows a queue or a playlist: `queue` in, the next `count` tracks out.

    A track of the queue is a track id, or an object with `artist_name` and `track_name`, with
    `recording_mbid`, or as in a JSPF playlist. The tracks of the queue are not given again.
    """
    person = await person_of(request, services.people)
    body = object_of(await json_body(request))
    try:
        wishes = wishes_of(body)
    except WishesError as error:
        raise ProblemError(400, str(error)) from None
    queue = await _track_ids(services, person, _references(body))
    question = Question(kind=Kind.NEXT, listener_id=person.name, queue=queue, wishes=wishes)
    return Json(await answered(services, person, question))


async def similar_track(request: Request, services: Services, track_id: str) -> Json:
    """Tracks that belong to a track: they follow it, or are played in the same sittings."""
    person = await person_of(request, services.people)
    _check(track_id)
    return await _similar_to(request, services, person, (track_id,))


async def similar_named_track(request: Request, services: Services) -> Json:
    """The same for a track by `artist_name` and `track_name`, or by `recording_mbid`."""
    person = await person_of(request, services.people)
    try:
        named = reference_of({name: request.query_params.get(name) for name in _NAMES})
    except ValueError as error:
        raise ProblemError(400, f"the query {error}") from None
    return await _similar_to(request, services, person, await _track_ids(services, person, [named]))


async def _similar_to(
    request: Request, services: Services, person: Person, track: tuple[str, ...]
) -> Json:
    wishes = wishes_in_query(request)
    question = Question(
        kind=Kind.SIMILAR_TRACK, listener_id=person.name, queue=track, wishes=wishes
    )
    return Json(await answered(services, person, question))


async def similar_artist(request: Request, services: Services, name: str) -> Json:
    """Artists who belong to an artist, with tracks of theirs: at most three each."""
    person, wishes = await person_of(request, services.people), wishes_in_query(request)
    _check(name)
    if "per_artist" not in request.query_params:
        wishes = wishes.model_copy(update={"per_artist": PER_ARTIST})
    question = Question(
        kind=Kind.SIMILAR_ARTIST,
        listener_id=person.name,
        artist_id=artist_id_of(name),
        wishes=wishes,
    )
    found = await answered(services, person, question)
    return Json({**found, "artist_name": name, "artists": _artists(found["tracks"])})


def _artists(tracks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The artists of tracks whose artist is known, in the order of their best track."""
    best: dict[str, float] = {}
    for track in tracks:
        if track["artist_name"]:
            best.setdefault(track["artist_name"], track["score"])
    return [{"artist_name": name, "score": score} for name, score in best.items()]


def _check(text: str) -> None:
    if not text.strip() or len(text) > ID_LETTERS_MAX or not can_be_kept(text):
        raise ProblemError(
            400, f"the path ends in no name or id of at most {ID_LETTERS_MAX} letters"
        )


def _references(body: Mapping[str, Any]) -> list[TrackReference]:
    """The tracks of `queue`, or of `playlist`, which may be a JSPF document."""
    field = "queue" if body.get("queue") is not None else "playlist"
    stated = body.get(field)
    while isinstance(stated, Mapping):
        stated = stated.get("track", stated.get("playlist"))
    if not isinstance(stated, list):
        raise ProblemError(400, "queue is not a list of tracks; it may be empty")
    if len(stated) > QUEUE_MAX:
        raise ProblemError(400, f"{field} has {len(stated)} tracks; it may have {QUEUE_MAX}")
    found = []
    for at, each in enumerate(stated):
        try:
            found.append(reference_of(each))
        except ValueError as error:
            raise ProblemError(400, f"{field}[{at}] {error}") from None
    return found


async def _track_ids(
    services: Services, person: Person, references: list[TrackReference]
) -> tuple[str, ...]:
    """The ids of tracks; one known by its MusicBrainz id is that of the person's own listens."""
    mbids = [each.recording_mbid for each in references if each.recording_mbid]
    known = await services.history.tracks_of_recordings(person.name, mbids) if mbids else {}
    return tuple(
        each.track_id or known.get(each.recording_mbid or "", each.recording_mbid or "")
        for each in references
    )
