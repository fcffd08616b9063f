"""Listens of ListenBrainz' clients as listening events. Pure.

An event's id follows from what the listen says, so that a listen that is sent again, even while
the first one is still on its way, is the same event.
"""

import uuid
from typing import Any

from streams.serving.client_stamps import Stamp, start_ms
from streams.serving.submissions import Listen
from topics.identity import MBID_PREFIX, event_id_of, recording_msid_of, track_id_of
from topics.listening_event import EARLIEST_LISTENED_AT_MS, EventKind, ListeningEvent

SOURCE = "listenbrainz"
_SOURCE_LENGTH_MAX = 64


def source_of(listen: Listen, user_agent: str) -> str:
    """The event's source: which program scrobbled it.

    Two programs on one player are two sources, so that the fold takes their listens for one play.
    """
    name = source_slug(listen.client or user_agent.partition("/")[0])
    return f"{SOURCE}:{name}" if name else SOURCE


def source_slug(program: str) -> str:
    """A program's name as a part of a source's."""
    return "-".join(program.lower().split())[:_SOURCE_LENGTH_MAX]


def event_of(listener_id: str, listen: Listen, source: str, stamp: Stamp) -> ListeningEvent:
    """The LISTEN event of a listen of `listener_id`."""
    assert listen.listened_at is not None
    msid = msid_of(listen)
    started_at = start_ms(listen.listened_at, listen.duration_ms, stamp)
    return ListeningEvent(
        event_id=event_id_of(SOURCE, listener_id, msid, listen.listened_at, None),
        kind=EventKind.LISTEN,
        listened_at=max(EARLIEST_LISTENED_AT_MS, started_at),
        **_described(listener_id, listen, source),
    )


def playing_now_of(listener_id: str, listen: Listen, source: str, now_ms: int) -> ListeningEvent:
    """The NOW_PLAYING event of a listen of `listener_id` at `now_ms`."""
    return ListeningEvent(
        event_id=str(uuid.uuid4()),
        kind=EventKind.NOW_PLAYING,
        listened_at=now_ms,
        **_described(listener_id, listen, source),
    )


def _described(listener_id: str, listen: Listen, source: str) -> dict[str, Any]:
    return {
        "listener_id": listener_id,
        "source": source,
        "track_id": track_id_of(listen.artist_name, listen.track_name),
        "artist_name": listen.artist_name,
        "track_name": listen.track_name,
        "release_name": listen.release_name,
        "source_track_id": MBID_PREFIX + listen.recording_mbid if listen.recording_mbid else None,
        "duration_ms": listen.duration_ms,
        "ms_played": listen.ms_played,
    }


def msid_of(listen: Listen) -> str:
    """The MessyBrainz id of what the listen says."""
    return recording_msid_of(listen.artist_name, listen.track_name, listen.release_name)
