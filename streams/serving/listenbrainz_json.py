"""Answers in the form that ListenBrainz' clients read, as strict as the strictest of them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from streams.listens.listen_history import Feedback
from streams.listens.listen_history import Listen as PastListen
from streams.serving.json_values import is_nested_within
from streams.serving.listen_events import msid_of
from streams.serving.submissions import INFO_LEVELS_MAX, Listen
from streams.tracks.track_catalogue import Track

_S = 1_000
_OWN = {"recording_msid", "recording_mbid", "duration_ms"}


def listen_json(listen: PastListen) -> dict[str, Any]:
    """A listen of the past."""
    return {
        "listened_at": listen.listened_at // _S,
        "inserted_at": listen.recorded_at // _S,
        "recording_msid": listen.recording_msid,
        "user_name": listen.listener_id,
        "track_metadata": track_metadata(
            (listen.artist_name, listen.track_name or listen.track_id, listen.release_name),
            recording_msid=listen.recording_msid,
            recording_mbid=listen.recording_mbid,
            duration_ms=listen.duration_ms,
            **(_object(listen.additional_info) or {"submission_client": listen.source}),
        ),
    }


def _object(text: str) -> dict[str, Any]:
    """A JSON object without the names that have a place of their own; empty for all else."""
    try:
        found = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(found, dict) or not is_nested_within(found, INFO_LEVELS_MAX):
        return {}
    return {name: each for name, each in found.items() if name not in _OWN}


def playing_now_json(name: str, listen: Listen) -> dict[str, Any]:
    """What is playing now."""
    return {
        "playing_now": True,
        "user_name": name,
        "recording_msid": msid_of(listen),
        "track_metadata": track_metadata(
            (listen.artist_name, listen.track_name, listen.release_name),
            recording_msid=msid_of(listen),
            recording_mbid=listen.recording_mbid,
            duration_ms=listen.duration_ms,
            **(_object(listen.additional_info.decode()) or {"submission_client": listen.client}),
        ),
    }


def track_metadata(
    names: tuple[str | None, str, str | None], /, **additional_info: Any
) -> dict[str, Any]:
    """Names and what else is known; `additional_info` is always an object, of any keys."""
    artist_name, track_name, release_name = names
    return {
        "artist_name": artist_name or "",
        "track_name": track_name,
        "release_name": release_name,
        "additional_info": {name: each for name, each in additional_info.items() if each},
    }


def listens_json(
    name: str, listens: Sequence[PastListen], bounds_ms: tuple[int, int]
) -> dict[str, Any]:
    """A page of listens; `bounds_ms` are the times of the oldest and the newest of all."""
    oldest, newest = bounds_ms
    return {
        "payload": {
            "count": len(listens),
            "user_id": name,
            "latest_listen_ts": newest // _S,
            "oldest_listen_ts": oldest // _S,
            "listens": [listen_json(each) for each in listens],
        }
    }


def feedback_json(
    found: Sequence[Feedback], total: int, offset: int, tracks: dict[str, Track]
) -> dict[str, Any]:
    """A page of feedback."""
    return {
        "feedback": [_one_feedback(each, tracks.get(each.track_id)) for each in found],
        "count": len(found),
        "total_count": total,
        "offset": offset,
    }


def feedback_for_json(
    name: str, found: Sequence[Feedback], wanted: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """The score of each recording in `wanted`, under the field that names it; 0 is none."""
    scores = {
        recording: each.score
        for each in found
        for recording in (each.recording_mbid, each.recording_msid, each.track_id)
    }
    fields = dict.fromkeys(wanted)
    return [
        {"user_id": name, **fields, field: recording, "score": scores.get(recording, 0)}
        for field, recordings in wanted.items()
        for recording in recordings
    ]


def _one_feedback(feedback: Feedback, track: Track | None) -> dict[str, Any]:
    mbid = track.recording_mbid if track else None
    return {
        "user_id": feedback.listener_id,
        "recording_mbid": mbid or feedback.recording_mbid,
        "recording_msid": feedback.recording_msid,
        "score": feedback.score,
        "created": feedback.created_at // _S,
        "track_metadata": None,
    }
