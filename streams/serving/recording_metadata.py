"""ListenBrainz' API, the part that says what recordings are, by their ids or their names."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request

from streams.serving.feedback import uuid_of
from streams.serving.listenbrainz_read import track_names
from streams.serving.problems import Json, ProblemError, unavailable
from streams.serving.request_bodies import json_body, object_of
from streams.serving.services import Services
from streams.tracks.track_catalogue import Track
from topics.errors import ServerError
from topics.identity import track_id_of

RECORDINGS_MAX = 1_000
LOOKED_UP_MAX = 100
"""Number of names that one request may look up."""
_PARTS = ("artist", "release")
"""What is told beside the recording if it is asked for."""


async def metadata_lookup(request: Request, services: Services) -> Json:
    """What the catalogue knows of a recording by its names; an empty object if nothing."""
    return Json((await _looked_up(services, [request.query_params]))[0])


async def metadata_lookups(request: Request, services: Services) -> Json:
    """What the catalogue knows of each recording in a body, in the order of their names."""
    stated = object_of(await json_body(request)).get("recordings")
    if not isinstance(stated, list) or not 0 < len(stated) <= LOOKED_UP_MAX:
        raise ProblemError(400, f"recordings is not a list of 1 to {LOOKED_UP_MAX} names")
    if not all(isinstance(each, Mapping) for each in stated):
        raise ProblemError(400, "recordings has something that is not a JSON object")
    return Json(await _looked_up(services, stated))


async def _looked_up(
    services: Services, stated: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    ids = [_track_id(each) for each in stated]
    tracks = await track_names(services, ids)
    return [_recording_json(tracks.get(each)) for each in ids]


def _track_id(stated: Mapping[str, Any]) -> str:
    """The id of a track by its names; raises `ProblemError` if it lacks one."""
    names = [stated.get(each) for each in ("artist_name", "recording_name")]
    found = track_id_of(*(each if isinstance(each, str) else "" for each in names))
    if found is None:
        raise ProblemError(400, "artist_name and recording_name are needed")
    return found


def _recording_json(track: Track | None) -> dict[str, Any]:
    if track is None or track.recording_mbid is None:
        return {}
    return {
        "recording_mbid": track.recording_mbid,
        "recording_name": track.track_name,
        "artist_credit_name": track.artist_name,
        "release_name": track.release_name,
        "artist_mbids": [],
    }


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
    """A track in the form of ListenBrainz' metadata; readers expect null for ids that it lacks."""
    length = {"length": track.duration_ms} if track.duration_ms is not None else {}
    name = track.artist_name or ""
    artist = {"name": name, "artist_mbid": None, "join_phrase": ""}
    release = {"name": track.release_name, "mbid": None, "release_group_mbid": None}
    told = {
        "recording": {"name": track.track_name or track.track_id, **length, "rels": []},
        "artist": {"name": name, "artist_credit_id": None, "artists": [artist]},
        "release": release if track.release_name else {},
    }
    return {part: each for part, each in told.items() if part == "recording" or part in parts}
