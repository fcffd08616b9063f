"""Tracks as people name them: by id, by names, or by the recording's MusicBrainz id. Pure.

Names come first, as in listens (`submissions`): a track that was submitted under these names is
found under them. What a playlist in JSPF calls its tracks is understood, too.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from streams.serving.json_values import can_be_kept
from topics.identity import track_id_of
from topics.listening_event import TEXT_LENGTH_MAX

ID_LETTERS_MAX = 512
_URN = "urn:echotune:track:"
_RECORDING = re.compile(r"(?:https?://musicbrainz\.org/recording/)?([0-9a-fA-F-]{36})/?")


class TrackReference(NamedTuple):
    """A track: its id, or, if only that is known, the MusicBrainz id of its recording."""

    track_id: str | None
    recording_mbid: str | None = None


def reference_of(value: Any) -> TrackReference:
    """The track that a value names; raises `ValueError` if it names none.

    >>> reference_of("a-track")
    TrackReference(track_id='a-track', recording_mbid=None)
    >>> reference_of({"recording_mbid": "00000000-0000-4000-8000-00000000000A"})
    TrackReference(track_id=None, recording_mbid='00000000-0000-4000-8000-00000000000a')
    """
    if isinstance(value, str):
        return TrackReference(_text(value, ID_LETTERS_MAX))
    if not isinstance(value, Mapping):
        raise ValueError("is neither a track id nor a JSON object")
    if value.get("track_id") is not None:
        return TrackReference(_text(value["track_id"], ID_LETTERS_MAX))
    named = _named(value)
    return TrackReference(named) if named else _by_identifier(value)


def _named(value: Mapping[str, Any]) -> str | None:
    names = [
        next((value[key] for key in keys if value.get(key) is not None), None)
        for keys in (("artist_name", "creator"), ("track_name", "title"))
    ]
    if None in names:
        return None
    return track_id_of(*(_text(name, TEXT_LENGTH_MAX) for name in names))


def _by_identifier(value: Mapping[str, Any]) -> TrackReference:
    """By a MusicBrainz id, or by an identifier as JSPF has it, which our own playlists use."""
    found = value.get("recording_mbid")
    found = value.get("identifier") if found is None else found
    if isinstance(found, Sequence) and not isinstance(found, str) and len(found) == 1:
        found = found[0]
    if isinstance(found, str) and found.startswith(_URN):
        return TrackReference(_text(found.removeprefix(_URN), ID_LETTERS_MAX))
    match = _RECORDING.fullmatch(found) if isinstance(found, str) else None
    if match is None:
        raise ValueError("needs a track_id, or artist_name and track_name, or a recording_mbid")
    try:
        return TrackReference(None, str(uuid.UUID(match[1])))
    except ValueError:
        raise ValueError("has a recording_mbid that is no UUID") from None


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("has a name or an id that is no text with at least one letter")
    if len(value) > most:
        raise ValueError(f"has a name or an id that is longer than {most} letters")
    if not can_be_kept(value):
        raise ValueError("has a name or an id with a NUL or half a surrogate pair")
    return value.strip()
