"""Reads tables of plays, one play per row, by the roles of their columns (`column_roles.NAMES`).

Special cases: tables do not state the units of times and lengths, so the units are inferred from
the first rows and used for the whole file. Negative lengths mean "unknown" in public data sets.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from streams.sources.files import Part
from streams.sources.formats.column_roles import (
    NAMES_HINT,
    REQUIRED,
    Role,
    duration_scale_of,
    is_nan,
    missing_of,
    ms_of,
    roles_of,
    text_of,
    time_ms_of,
    time_scale_of,
)
from streams.sources.plays import BadRow, ParsedRow, Play
from topics.errors import HistoryError

SOURCE = "history"
ROWS_INSPECTED = 1_000
"""Number of rows at the start from which columns and units are inferred."""

Cells = Sequence[Any]
NumberedCells = tuple[int, Cells | str]
"""Row number, and its cells in the order of the columns, or why the row is bad."""
_Convert = Callable[[Any], Any]


def plays_of_table(
    rows: Iterable[NumberedCells],
    roles: dict[Role, int],
    part: Part,
) -> Iterator[ParsedRow]:
    """Plays of `rows`; the part's listener is used if no column names one."""
    if Role.LISTENER not in roles and part.listener_id is None:
        raise HistoryError(
            f"{part.name} does not name a listener.", "Name the listener with --listener."
        )
    rest = iter(rows)
    first = list(islice(rest, ROWS_INSPECTED))
    play_of = _reader(roles, _converters(roles, first), part)
    for row, cells in chain(first, rest):
        try:
            yield BadRow(part.name, row, cells) if isinstance(cells, str) else play_of(row, cells)
        except ValueError as error:
            yield BadRow(part.name, row, str(error))


def _reader(
    roles: dict[Role, int], convert: dict[Role, _Convert], part: Part
) -> Callable[[int, Cells], Play]:
    """A function that makes a play from a row's cells, or raises `ValueError`."""
    fields = [
        (_FIELDS[role], position, convert[role])
        for role, position in roles.items()
        if role in _FIELDS
    ]

    def play_of(row: int, cells: Cells) -> Play:
        values: dict[str, Any] = {"listener_id": part.listener_id}
        for field, position, of in fields:
            try:
                values[field] = of(cells[position])
            except ValueError as error:
                raise ValueError(f"{field} {error}") from None
        if values["listener_id"] is None:
            raise ValueError("listener_id is empty")
        return Play(part=part.number, row=row, source=SOURCE, **values)

    return play_of


_FIELDS = {
    Role.LISTENER: "listener_id",
    Role.TRACK_ID: "source_track_id",
    Role.TRACK_NAME: "track_name",
    Role.ARTIST_ID: "source_artist_id",
    Role.ARTIST_NAME: "artist_name",
    Role.RELEASE_NAME: "release_name",
    Role.RECORDING_MBID: "recording_mbid",
    Role.LISTENED_AT: "listened_at",
    Role.MS_PLAYED: "ms_played",
    Role.SECONDS_PLAYED: "ms_played",
    Role.PLAYTIME: "ms_played",
    Role.DURATION_MS: "duration_ms",
    Role.DURATION: "duration_ms",
    Role.REASON_END: "reason_end",
}


def _converters(roles: dict[Role, int], first: list[NumberedCells]) -> dict[Role, _Convert]:
    def sample(role: Role) -> list[Any]:
        cells = [cells for _, cells in first if not isinstance(cells, str)]
        return [each[roles[role]] for each in cells] if role in roles else []

    time_scale = time_scale_of(sample(Role.LISTENED_AT))
    return dict.fromkeys(_FIELDS, text_of) | {
        Role.LISTENED_AT: lambda value: time_ms_of(value, time_scale),
        Role.MS_PLAYED: _length(1.0),
        Role.SECONDS_PLAYED: _length(1_000.0),
        Role.PLAYTIME: _length(duration_scale_of(sample(Role.PLAYTIME))),
        Role.DURATION_MS: _length(1.0),
        Role.DURATION: _length(duration_scale_of(sample(Role.DURATION))),
    }


def checked_roles(columns: Sequence[str], name: str) -> dict[Role, int]:
    """Roles of `columns`; `HistoryError` if required columns are missing."""
    roles = roles_of(columns)
    if missing := missing_of(roles):
        raise HistoryError(
            f"{name} has the columns {', '.join(columns)[:200]}: none for {' or '.join(missing)}.",
            f"A table of plays needs columns for {REQUIRED}; {NAMES_HINT}.",
        )
    return roles


def _length(scale: float) -> _Convert:
    def length_ms(value: Any) -> int | None:
        if value is None or value == "" or is_nan(value):
            return None
        ms = ms_of(value, scale)
        return ms if ms >= 0 else None

    return length_ms
