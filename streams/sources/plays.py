"""The rows parsed from history files: plays, bad rows, and rows that are no plays of music."""

import re
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


class BadReasons:
    """Bad rows by kind of reason: how many, and the first of each.

    >>> reasons = BadReasons()
    >>> for row, word in enumerate(["noon", "soon"], 2):
    ...     reasons.add(BadRow("a.csv", row, f"listened_at is not a time: {word!r}"))
    >>> reasons.lines()
    ["left out 2 rows, the first is a.csv, row 2: listened_at is not a time: 'noon'"]
    """

    def __init__(self) -> None:
        self._of_kind: dict[str, tuple[int, BadRow]] = {}
        self._others = 0

    def add(self, row: BadRow) -> None:
        """Counts one bad row."""
        kind = _VALUE.sub("#", row.reason)
        if kind in self._of_kind:
            count, first = self._of_kind[kind]
            self._of_kind[kind] = count + 1, first
        elif len(self._of_kind) < REASONS_KEPT:
            self._of_kind[kind] = 1, row
        else:
            self._others += 1

    def lines(self) -> list[str]:
        """One line for each kind of reason, the most frequent first."""
        found = sorted(self._of_kind.values(), key=lambda each: -each[0])
        lines = [
            f"left out: {row}" if count == 1 else f"left out {count:,} rows, the first is {row}"
            for count, row in found
        ]
        return (
            [*lines, f"... and {rows(self._others)} for other reasons"] if self._others else lines
        )


REASONS_KEPT = 20
_VALUE = re.compile(r"'.*'|\".*\"|\d[\w:.,+-]*", re.DOTALL)
"""The part of a reason that differs between rows with one fault."""


def rows(count: int) -> str:
    """A number of rows in words.

    >>> rows(1), rows(2_000)
    ('1 row', '2,000 rows')
    """
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


@dataclass(frozen=True, slots=True)
class Ignored:
    """One well-formed row that is left out on purpose, and why."""

    reason: str
    path: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not read, and why: a file among others that may hold plays, or a table's artists."""

    why: str

    def __str__(self) -> str:
        return self.why


class ToldEvent(ListeningEvent):
    """An event with what else its source said about the play, which is no part of the contract."""

    additional_info: str | None = None
    """A JSON object."""


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


ParsedRow = Play | ListeningEvent | BadRow | Ignored | Skipped
"""An event is one that an export of EchoTune holds."""
HistoryRow = ListeningEvent | BadRow | Ignored | Skipped
