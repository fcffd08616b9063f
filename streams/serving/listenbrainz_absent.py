"""ListenBrainz' API, the part of which nobody has anything here: pins, follows, statistics.

Players ask for these beside what they came for, and some take an error for a server that is no
ListenBrainz. They are answered as ListenBrainz answers for somebody who has none.
"""

from starlette.requests import Request
from starlette.responses import Response

from streams.serving.authentication import person_of, readable
from streams.serving.problems import Json
from streams.serving.services import Services

_NO_PAGE = {"count": 0, "offset": 0}
STATISTICS = (
    *("artists", "releases", "release-groups", "recordings", "listening-activity"),
    *("daily-activity", "artist-activity", "era-activity", "genre-activity", "artist-map"),
)
"""The kinds of statistics that ListenBrainz computes."""


async def statistics(request: Request, services: Services, name: str) -> Response:
    """Statistics of a person: 204, which says that they are not computed."""
    await readable(request, services.people, name)
    return Response(status_code=204)


async def sitewide_statistics(_: Request, __: Services) -> Response:
    """Statistics of everybody: 204, which says that they are not computed."""
    return Response(status_code=204)


async def own_playlists(request: Request, services: Services, name: str) -> Json:
    """Playlists that a person has made: none can be made here."""
    await readable(request, services.people, name)
    return Json({"playlists": [], "playlist_count": 0, **_NO_PAGE})


async def pins(request: Request, services: Services, name: str) -> Json:
    """Recordings that a person has pinned: none can be pinned here."""
    person = await readable(request, services.people, name)
    found = {"pinned_recordings": [], "total_count": 0, "user_name": person.name}
    return Json({**found, **_NO_PAGE})


async def current_pin(request: Request, services: Services, name: str) -> Json:
    """The recording that is pinned now: none can be pinned here."""
    person = await readable(request, services.people, name)
    return Json({"pinned_recording": None, "user_name": person.name})


async def followers(request: Request, services: Services, name: str) -> Json:
    """Who follows a person: nobody can here."""
    person = await readable(request, services.people, name)
    return Json({"followers": [], "user": person.name})


async def following(request: Request, services: Services, name: str) -> Json:
    """Whom a person follows: nobody can be followed here."""
    person = await readable(request, services.people, name)
    return Json({"following": [], "user": person.name})


async def similar_users(request: Request, services: Services, name: str) -> Json:
    """People who listen alike: nobody is shown to others here."""
    await readable(request, services.people, name)
    return Json({"payload": []})


async def search_users(request: Request, services: Services) -> Json:
    """People by their names: whoever asks finds themself alone."""
    asking = await person_of(request, services.people)
    term = request.query_params.get("search_term", "").lower()
    found = [{"user_name": asking.name}] if term and term in asking.name.lower() else []
    return Json({"users": found})
