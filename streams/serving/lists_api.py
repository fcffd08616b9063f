"""EchoTune's own API: a listener's list, as it is in Redis, or as the model makes it on demand."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from streams.answering.questions import Kind, Question
from streams.lists.list_store import StoredList
from streams.serving.authentication import readable
from streams.serving.listenbrainz_read import served_list, track_names
from streams.serving.on_demand import answered, wishes_in_query
from streams.serving.problems import Json, ProblemError
from streams.serving.services import Services
from streams.serving.stated_wishes import NAMES
from streams.serving.track_json import tracks_json
from streams.tracks.track_catalogue import Track

_FRESH_S = 1


async def recommendations(request: Request, services: Services, name: str) -> Response:
    """The list with names; its ETag changes exactly when the list does.

    With wishes (`count`, `owned`, `new_share`, `per_artist`, `exclude`, `mix`, `utc_offset`) the
    model makes a list on demand.
    """
    person = await readable(request, services.people, name)
    if NAMES & request.query_params.keys():
        wishes = wishes_in_query(request)
        question = Question(kind=Kind.NEXT, listener_id=person.name, wishes=wishes)
        return Json(await answered(services, person, question))
    stored = await served_list(services, person)
    if stored is None:
        raise ProblemError(404, "nobody has a list yet; play something")
    headers = {"ETag": etag(stored), "Cache-Control": f"private, max-age={_FRESH_S}"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    tracks: dict[str, Track] = {}
    try:
        tracks = await track_names(services, [item.track_id for item in stored.items])
    except ProblemError:  # a list without names is better than none, and is not to be kept
        headers = {"Cache-Control": "no-store"}
    return Json(_list_json(person.name, stored, tracks), headers=headers)


def etag(stored: StoredList) -> str:
    """Identifies a list: its generation, its place in the log, and whether it is the fallback."""
    kind = "fallback" if stored.is_fallback else "own"
    return f'"{stored.generation}-{stored.log_epoch}-{stored.as_of}-{kind}"'


def _list_json(name: str, stored: StoredList, tracks: dict[str, Track]) -> dict[str, Any]:
    return {
        "listener": name,
        "generation": stored.generation,
        "as_of": stored.as_of,
        "log_epoch": stored.log_epoch,
        "published_at": stored.published_at,
        "is_fallback": stored.is_fallback,
        "tracks": tracks_json(stored.items, tracks),
    }
