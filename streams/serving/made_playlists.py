"""Makes the weekly and daily playlists that ListenBrainz' clients look for. Pure.

They are made of the list that the listener is served, and weekly exploration of a list of new
tracks that the model makes on demand, when they are first asked for in their week or day; then
they are kept (`KeptPlaylists`).
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from streams.lists.list_store import StoredList
from streams.tracks.track_catalogue import Track
from topics.identity import ECHOTUNE_NAMESPACE

JSPF_PLAYLIST = "https://musicbrainz.org/doc/jspf#playlist"
JSPF_TRACK = "https://musicbrainz.org/doc/jspf#track"
_RECORDING = "https://musicbrainz.org/recording/"
_PLAYLIST = "https://listenbrainz.org/playlist/"
_CREATOR = "listenbrainz"
"""Clients look for this creator."""


class Patch(StrEnum):
    """The kinds of playlists, by the names that clients look for in `source_patch`."""

    WEEKLY_JAMS = "weekly-jams"
    WEEKLY_EXPLORATION = "weekly-exploration"
    DAILY_JAMS = "daily-jams"


class Period(NamedTuple):
    """When a playlist is of: the first day of its week, or its day."""

    patch: Patch
    day: date


def current_periods(now: datetime) -> list[Period]:
    """The periods of all kinds at a time (UTC); weeks begin on Monday."""
    monday = now.date() - timedelta(days=now.weekday())
    return [
        Period(Patch.WEEKLY_JAMS, monday),
        Period(Patch.WEEKLY_EXPLORATION, monday),
        Period(Patch.DAILY_JAMS, now.date()),
    ]


def playlist_id_of(name: str, period: Period) -> str:
    """The id of a person's playlist of a period: the same for each process that makes it."""
    return str(
        uuid.uuid5(ECHOTUNE_NAMESPACE, f"playlist\x00{name}\x00{period.patch}\x00{period.day}")
    )


def made_playlist(
    name: str,
    period: Period,
    made_of: StoredList,
    heard: Collection[str],
    tracks: Mapping[str, Track],
    now: datetime,
) -> dict[str, Any] | None:
    """The document of a new playlist; None if the list has no track for it.

    Jams are of tracks that the person has heard, where there are any; exploration is of others.
    """
    ids = [item.track_id for item in made_of.items]
    known = [each for each in ids if each in heard]
    match period.patch:
        case Patch.WEEKLY_JAMS:
            chosen = known or ids
        case Patch.WEEKLY_EXPLORATION:
            chosen = [each for each in ids if each not in heard]
        case Patch.DAILY_JAMS:
            chosen = ids
    kept = distinct_recordings([_kept_track(each, tracks.get(each)) for each in chosen])
    if not kept:
        return None
    return {
        "id": playlist_id_of(name, period),
        "created_for": name,
        "patch": str(period.patch),
        "day": period.day.isoformat(),
        "made_at": now.isoformat(timespec="seconds"),
        "made_of": f"{made_of.generation}@{made_of.as_of}",
        "tracks": kept,
    }


def distinct_recordings(tracks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tracks without those whose recording came before: two names may be of one recording."""
    seen: set[str] = set()
    found = []
    for track in tracks:
        recording = track["recording_mbid"]
        if recording is None or recording not in seen:
            found.append(track)
            seen.add(recording)
    return found


def _kept_track(track_id: str, track: Track | None) -> dict[str, Any]:
    found = track or Track(track_id=track_id)
    return {
        "track_id": track_id,
        "recording_mbid": found.recording_mbid,
        "title": found.track_name or track_id,
        "creator": found.artist_name or "",
        "album": found.release_name or "",
        "duration": found.duration_ms,
    }


def jspf(playlist: Mapping[str, Any], *, with_tracks: bool) -> dict[str, Any]:
    """A kept playlist as JSPF (the JSON form of XSPF), with ListenBrainz' extensions."""
    extension = {
        "public": False,
        "creator": _CREATOR,
        "created_for": playlist["created_for"],
        "last_modified_at": playlist["made_at"],
        "additional_metadata": {
            "algorithm_metadata": {"source_patch": playlist["patch"]},
            "made_of": playlist["made_of"],
        },
    }
    tracks: Sequence[Mapping[str, Any]] = playlist["tracks"] if with_tracks else ()
    return {
        "playlist": {
            "creator": _CREATOR,
            "title": _title(playlist),
            "identifier": _PLAYLIST + playlist["id"],
            "date": playlist["made_at"],
            "annotation": f"EchoTune made it of the list {playlist['made_of']}.",
            "extension": {JSPF_PLAYLIST: extension},
            "track": [_jspf_track(each, playlist["made_at"]) for each in tracks],
        }
    }


def _title(playlist: Mapping[str, Any]) -> str:
    day = date.fromisoformat(playlist["day"])
    kind = playlist["patch"].replace("-", " ").title()
    when = f"{day:%Y-%m-%d %a}"
    which = when if playlist["patch"] == Patch.DAILY_JAMS else f"week of {when}"
    return f"{kind} for {playlist['created_for']}, {which}"


def _jspf_track(track: Mapping[str, Any], added_at: str) -> dict[str, Any]:
    """A track: a MusicBrainz address if its recording is known there, otherwise a URN of ours."""
    mbid = track["recording_mbid"]
    found = {
        "identifier": [_RECORDING + mbid if mbid else f"urn:echotune:track:{track['track_id']}"],
        "title": track["title"],
        "creator": track["creator"],
        "album": track["album"],
        "extension": {
            JSPF_TRACK: {
                "added_by": _CREATOR,
                "added_at": added_at,
                "artist_identifiers": [],
                "additional_metadata": {},
            }
        },
    }
    return found | ({"duration": track["duration"]} if track["duration"] else {})


def now_utc() -> datetime:
    """The time."""
    return datetime.now(UTC)
