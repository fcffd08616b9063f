"""Plays that players reported as listening events. Pure."""

from typing import Any

from streams.serving.listen_events import source_slug
from streams.serving.playback import Play, PlayedTrack
from topics.identity import MBID_PREFIX, event_id_of
from topics.listening_event import (
    EARLIEST_LISTENED_AT_MS,
    PLAY_LENGTH_MAX_MS,
    EventKind,
    ListeningEvent,
)

SOURCE = "playback"


def source_of_player(client: str) -> str:
    """The event's source: another one than a scrobbler's, so that the fold takes both for one."""
    name = source_slug(client)
    return f"{SOURCE}:{name}" if name else SOURCE


def described(track: PlayedTrack) -> dict[str, Any]:
    """The fields of an event that say what was played."""
    return {
        "track_id": track.track_id,
        "artist_name": track.artist_name,
        "track_name": track.track_name,
        "release_name": track.release_name or None,
        "source_track_id": MBID_PREFIX + track.recording_mbid if track.recording_mbid else None,
        "duration_ms": track.duration_ms or None,
    }


def event_of_play(listener_id: str, player: str, play: Play) -> ListeningEvent:
    """The LISTEN event of a play; its id follows from the start, so that it is learnt once."""
    start = None if play.session else play.started_at
    what = "\x00".join((player, play.track.track_id, play.session))
    return ListeningEvent(
        event_id=event_id_of(SOURCE, listener_id, what, start, None),
        listener_id=listener_id,
        kind=EventKind.LISTEN,
        source=source_of_player(play.client),
        listened_at=max(EARLIEST_LISTENED_AT_MS, play.started_at),
        ms_played=min(play.ms_played, PLAY_LENGTH_MAX_MS),
        reason_end=str(play.reason_end),
        **described(play.track),
    )
