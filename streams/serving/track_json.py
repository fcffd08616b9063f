"""Tracks of a list as EchoTune's own API gives them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from streams.lists.reasons import REASONS
from streams.tracks.track_catalogue import Track
from topics.recommendation_list import RecommendedTrack


def tracks_json(
    items: Sequence[RecommendedTrack], tracks: Mapping[str, Track]
) -> list[dict[str, Any]]:
    """The tracks of a list with what the catalogue knows of them."""
    return [
        {
            "track_id": item.track_id,
            "score": item.score,
            "reason": item.reason,
            "why": REASONS.get(item.reason, ""),
            **_described(tracks.get(item.track_id)),
        }
        for item in items
    ]


def _described(track: Track | None) -> dict[str, Any]:
    return {
        "artist_name": track.artist_name if track else None,
        "track_name": track.track_name if track else None,
        "release_name": track.release_name if track else None,
        "duration_ms": track.duration_ms if track else None,
        "recording_mbid": track.recording_mbid if track else None,
    }
