"""ListenBrainz' API, the part that says what recordings are: recommendations are ids alone."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from streams.serving.feedback import object_of, uuid_of
from streams.serving.problems import Json, ProblemError, unavailable
from streams.serving.request_bodies import json_body
from streams.serving.services import Services
from streams.tracks.track_catalogue import Track
from topics.errors import ServerError

RECORDINGS_MAX = 1_000
_PARTS = ("artist", "release")
"""What is told beside the recording if it is asked for."""


async def recording_metadata(request: Request, services: Services) -> Json:
    """What the catalogue knows of recordings; one that it does not know is left out."""
    query = request.query_params
    mbids = ",".join(query.getlist("recording_mbids")).split(",")
    return await _answer(services, [each.strip() for each in mbids], query.get("inc", ""))


async def recordings_metadata(request: Request, services: Services) -> Json:
    """What the catalogue knows of recordings that are named in a body."""
    body = object_of(await json_body(request))
    mbids, parts = body.get("recording_mbids"), body.get("inc")
    if not isinstance(mbids, list):
        raise ProblemError(400, "recording_mbids is not a list of UUIDs")
    return await _answer(services, mbids, parts if isinstance(parts, str) else "")


async def _answer(services: Services, stated: Sequence[Any], parts: str) -> Json:
    mbids = [found for each in stated if (found := uuid_of(each)) is not None]
    if len(mbids) != len(stated) or not 0 < len(mbids) <= RECORDINGS_MAX:
        raise ProblemError(400, f"recording_mbids is needed: 1 to {RECORDINGS_MAX} UUIDs")
    try:
        tracks = await services.tracks.of_recordings(mbids)
    except ServerError as error:
        raise unavailable(error.message) from error
    asked = [each for each in _PARTS if each in parts.split()]
    return Json({mbid: metadata_json(track, asked) for mbid, track in tracks.items()})


def metadata_json(track: Track, parts: Sequence[str]) -> dict[str, Any]:
    """A track in the form of ListenBrainz' metadata; what is not known is left out."""
    recording = {"name": track.track_name or track.track_id, "length": track.duration_ms}
    artist = {"name": track.artist_name or ""}
    known = {
        "recording": {**{k: v for k, v in recording.items() if v is not None}, "rels": []},
        "artist": {**artist, "artists": [{**artist, "join_phrase": ""}]},
        "release": {"name": track.release_name} if track.release_name else {},
    }
    return {name: each for name, each in known.items() if name == "recording" or name in parts}
