"""The rows parsed from history files: plays, bad rows, and rows that are no plays of music."""

from dataclasses import dataclass
from typing import NamedTuple

from topics.listening_event import ListeningEvent


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot become an event, and why; the other rows are still imported."""

    path: str
    row: int
    """Counted from 1: the line of a text file, or the element of a JSON array."""
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, row {self.row:,}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Ignored:
    """One well-formed row that is left out on purpose, and why."""

    reason: str
    path: str


class Play(NamedTuple):
    """One play as its file contains it, before ids are assigned; sorts by time, then file and row.

    Times and lengths are in ms; None means unknown.
    """

    listened_at: int
    part: int
    row: int
    source: str
    listener_id: str
    track_name: str | None = None
    artist_name: str | None = None
    release_name: str | None = None
    recording_mbid: str | None = None
    source_track_id: str | None = None
    source_artist_id: str | None = None
    ms_played: int | None = None
    duration_ms: int | None = None
    reason_end: str | None = None


ParsedRow = Play | BadRow | Ignored
HistoryRow = ListeningEvent | BadRow | Ignored
