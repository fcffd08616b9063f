"""ListenBrainz' API, the part that gives: listens, lists as recommendations and playlists."""

from starlette.requests import Request
from starlette.responses import Response

from streams.answering.questions import Kind, Mix, Question, Wishes
from streams.lists.list_store import StoredList
from streams.people.people import Person
from streams.redis_client import REDIS_UNAVAILABLE
from streams.redis_refusals import redis_problem
from streams.serving.authentication import person_of, readable, token_of
from streams.serving.feedback import projected, uuid_of
from streams.serving.listenbrainz_json import feedback_for_json, feedback_json, listens_json
from streams.serving.made_playlists import (
    Patch,
    current_periods,
    distinct_recordings,
    jspf,
    made_playlist,
    now_utc,
    playlist_id_of,
)
from streams.serving.model_asking import asked_model
from streams.serving.playing_now import playing_now
from streams.serving.problems import Json, ProblemError, unavailable
from streams.serving.services import Services
from streams.tracks.track_catalogue import Track
from topics.errors import ServerError

COUNT_MAX = 1_000
EXPLORED = 50
"""Number of tracks of a weekly exploration."""
_COUNT = 25
_S = 1_000


async def validate_token(request: Request, services: Services) -> Json:
    """Says whose token it is; an unknown one is no error, as clients expect."""
    token = token_of(request)
    if not token:
        raise ProblemError(400, "a token is needed, in the header Authorization or as ?token=")
    person = await services.people.person_of(token)
    if person is None:
        if not services.people.is_fresh:
            raise unavailable("MongoDB does not answer, so that a new token cannot be known")
        return Json({"code": 200, "message": "Token invalid.", "valid": False})
    valid = {"code": 200, "message": "Token valid.", "valid": True}
    return Json({**valid, "user_name": person.name})


async def listens(request: Request, services: Services, name: str) -> Json:
    """A page of listens, newest first; min_ts and max_ts are exclusive."""
    person = await readable(request, services.people, name)
    count = number(request, "count", _COUNT, most=COUNT_MAX)
    after, before = (number(request, each, -1) for each in ("min_ts", "max_ts"))
    found = await services.history.listens(
        person.name,
        count=count,
        after_ms=(after + 1) * _S - 1 if after >= 0 else None,
        before_ms=before * _S if before >= 0 else None,
    )
    return Json(listens_json(person.name, found, await services.history.bounds(person.name)))


async def listen_count(request: Request, services: Services, name: str) -> Json:
    """How many listens there are."""
    person = await readable(request, services.people, name)
    return Json({"payload": {"count": await services.history.count(person.name)}})


async def now_playing(request: Request, services: Services, name: str) -> Json:
    """What is playing now: one listen, or none."""
    person = await readable(request, services.people, name)
    try:
        found = await playing_now(services, person.name)
    except REDIS_UNAVAILABLE as error:
        raise unavailable(redis_problem(error)) from error
    shown = [found] if found else []
    payload = {"count": len(shown), "user_id": person.name, "playing_now": True, "listens": shown}
    return Json({"payload": payload})


async def latest_import(request: Request, services: Services) -> Json:
    """Up to when an importer has come."""
    name = request.query_params.get("user_name", "")
    person = await readable(request, services.people, name)
    ts = await services.history.latest_import(person.name)
    return Json({"musicbrainz_id": person.name, "latest_import": ts})


async def get_feedback(request: Request, services: Services, name: str) -> Json:
    """A page of what a person loves and hates."""
    person = await readable(request, services.people, name)
    score = number(request, "score", 0, least=-1, most=1)
    offset = number(request, "offset", 0)
    found, total = await services.history.feedback(
        person.name,
        score=score or None,
        count=number(request, "count", _COUNT, most=COUNT_MAX),
        offset=offset,
    )
    tracks = await track_names(services, [each.track_id for each in found])
    return Json(feedback_json(found, total, offset, tracks))


async def get_feedback_for_recordings(request: Request, services: Services, name: str) -> Json:
    """What a person thinks of each of some recordings; 0 is neither love nor hate."""
    person = await readable(request, services.people, name)
    wanted = {field: _recordings(request, field) for field in ("recording_mbid", "recording_msid")}
    recordings = [each for some in wanted.values() for each in some]
    if not 0 < len(recordings) <= COUNT_MAX:
        raise ProblemError(
            400, f"recording_mbids or recording_msids is needed: 1 to {COUNT_MAX} UUIDs, by commas"
        )
    found = await services.history.feedback_for(person.name, recordings)
    return Json({"feedback": feedback_for_json(person.name, found, wanted)})


def _recordings(request: Request, field: str) -> list[str]:
    """The UUIDs in a parameter whose name is that of the field in the plural."""
    texts = request.query_params.get(f"{field}s", "").split(",")
    found = [uuid_of(each.strip()) for each in texts if each.strip()]
    if None in found:
        raise ProblemError(400, f"{field}s has something that is not a UUID")
    return [each for each in dict.fromkeys(found) if each is not None]


async def recommendations(request: Request, services: Services, name: str) -> Response:
    """The recordings of a person's list whose MusicBrainz ids are known."""
    person = await readable(request, services.people, name)
    count, offset = number(request, "count", _COUNT, most=COUNT_MAX), number(request, "offset", 0)
    stored = await served_list(services, person)
    tracks = await track_names(services, [item.track_id for item in stored.items] if stored else [])
    known = distinct_recordings(
        [
            {"recording_mbid": tracks[item.track_id].recording_mbid, "score": item.score}
            for item in (stored.items if stored else [])
            if item.track_id in tracks and tracks[item.track_id].recording_mbid
        ]
    )
    if not known or stored is None:
        return Response(status_code=204)
    shown = known[offset : offset + count]
    payload = {
        "mbids": shown,
        "entity": "recording",
        "user_name": person.name,
        "last_updated": stored.published_at // _S,
        "count": len(shown),
        "total_mbid_count": len(known),
        "offset": offset,
        "model_id": f"{stored.generation}@{stored.as_of}",
        "model_url": "",
    }
    return Json({"payload": payload})


async def playlists_created_for(request: Request, services: Services, name: str) -> Json:
    """The weekly and daily playlists of a person, without their tracks."""
    person = await readable(request, services.people, name)
    count, offset = number(request, "count", _COUNT, most=COUNT_MAX), number(request, "offset", 0)
    await _make_playlists(services, person)
    shown, total = await services.playlists.page(person.name, count=count, offset=offset)
    return Json(
        {
            "playlists": [jspf(each, with_tracks=False) for each in shown],
            "playlist_count": total,
            "offset": offset,
            "count": len(shown),
        }
    )


async def _make_playlists(services: Services, person: Person) -> None:
    """Makes the playlists of this week and this day that are not kept yet."""
    ids_now = {playlist_id_of(person.name, each): each for each in current_periods(now_utc())}
    kept = await services.playlists.kept(ids_now)
    missing = [period for each, period in ids_now.items() if each not in kept]
    stored = await served_list(services, person) if missing else None
    if stored is None or stored.is_fallback or not stored.items:
        return
    explored = await _explored(services, person, stored)
    as_of = max(stored.as_of, explored.as_of)
    if not await projected(lambda: services.history.reaches(person.name, as_of)):
        return  # what the person has heard is not known yet: they are made when asked for again
    ids = [item.track_id for item in (*stored.items, *explored.items)]
    heard, tracks = await services.history.heard(person.name, ids), await kept_names(services, ids)
    for period in missing:
        made_of = explored if period.patch is Patch.WEEKLY_EXPLORATION else stored
        made = made_playlist(person.name, period, made_of, heard, tracks, now_utc())
        if made is not None:
            await services.playlists.keep(made)


async def _explored(services: Services, person: Person, stored: StoredList) -> StoredList:
    """Tracks that are new to a person, as the model chooses them; the list itself if it is away."""
    wishes = Wishes(mix=Mix.NEW, count=EXPLORED)
    question = Question(kind=Kind.NEXT, listener_id=person.name, wishes=wishes)
    answer = await asked_model(services, question)
    if answer is None:
        return stored
    return stored._replace(
        items=answer.tracks,
        log_epoch=answer.log_epoch,
        as_of=answer.as_of,
        generation=answer.generation,
    )


async def playlist(request: Request, services: Services, playlist_id: str) -> Json:
    """A kept playlist with its tracks."""
    found = await services.playlists.find(playlist_id)
    if found is None:
        await person_of(request, services.people)
        raise ProblemError(404, f"there is no playlist {playlist_id}")
    await readable(request, services.people, found["created_for"])
    return Json(jspf(found, with_tracks=True))


async def served_list(services: Services, person: Person) -> StoredList | None:
    """The list that a person is served."""
    try:
        return await services.lists.read(person.name)
    except REDIS_UNAVAILABLE as error:
        raise unavailable(redis_problem(error)) from error


async def kept_names(services: Services, track_ids: list[str]) -> dict[str, Track]:
    """Names for what is kept: those that are on their way to the catalogue are waited for."""

    async def all_names() -> dict[str, Track] | None:
        found = await track_names(services, track_ids)
        return found if found.keys() >= {*track_ids} else None

    return await projected(all_names) or await track_names(services, track_ids)


async def track_names(services: Services, track_ids: list[str]) -> dict[str, Track]:
    """What the catalogue knows of tracks."""
    try:
        return await services.tracks.names(track_ids) if track_ids else {}
    except ServerError as error:
        raise unavailable(error.message) from error


def number(request: Request, name: str, default: int, *, least: int = 0, most: int = 2**40) -> int:
    """A whole number of the query; what is larger than `most` means `most`."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        found = int(text)
    except ValueError:
        raise ProblemError(400, f"{name} is not a whole number") from None
    if found < least:
        raise ProblemError(400, f"{name} is less than {least}")
    return min(found, most)
