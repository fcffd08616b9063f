"""Reads tables of plays, one play per row, by the roles of their columns (`column_roles.NAMES`).

Special cases: tables do not state the units of times and lengths, so the units are inferred from
the first rows and used for the whole file. Negative lengths mean "unknown" in public data sets.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from streams.sources.files import Part, without_listener
from streams.sources.formats.cell_values import (
    described,
    duration_scale_of,
    length_ms_of,
    mbid_of,
    number_of,
    optional_text_of,
    text_of,
)
from streams.sources.formats.column_roles import (
    DESCRIBED,
    DESCRIPTIONS,
    NAMES_HINT,
    REQUIRED,
    Role,
    best_time,
    filled_roles,
    is_in_utc,
    may_have_role,
    missing_of,
    owner_in,
    roles_of,
)
from streams.sources.formats.row_kinds import (
    PLAYING_NOW,
    PODCAST,
    PRIVATE,
    SKIPPED,
    are_kinds_of_rows,
    is_yes,
    reason_end_of,
    why_no_play,
)
from streams.sources.formats.times import (
    LocalTime,
    are_days_and_clocks,
    is_moment,
    joined,
    time_ms_of,
    time_unit_of,
)
from streams.sources.plays import BadRow, Ignored, ParsedRow, Play, Skipped
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
    columns: Sequence[str],
    part: Part,
    *,
    unused: Iterable[str] = (),
) -> Iterator[ParsedRow]:
    """Plays of `rows`; the part's listener is used where no column names one.

    `unused` names columns of the file which are not among `columns`.
    """
    rest = iter(rows)
    first = list(islice(rest, ROWS_INSPECTED))
    roles = settled_roles(columns, [each for _, each in first if not isinstance(each, str)], part)
    owner = part.listener_id or owner_in([columns[at] for at in roles.values()])
    if Role.LISTENER not in roles and owner is None:
        raise without_listener(part)
    if why := artists_not_read(roles, [*columns, *unused], part.name):
        yield Skipped(why)
    if Role.CLOCK in roles:
        first, rest = list(_with_clocks(first, roles)), _with_clocks(rest, roles)
    if of := described_in(roles):
        places = {role: len(columns) + at for at, role in enumerate(DESCRIBED)}
        described = [_with_names(rows, roles[of], of) for rows in (first, rest)]
        first, rest = list(described[0]), described[1]
        roles = places | roles
    reader = _RowReader(roles, _converters(roles, first), part._replace(listener_id=owner))
    for row, cells in _in_zones(chain(first, rest), roles):
        try:
            if isinstance(cells, str):
                yield BadRow(part.name, row, cells)
            else:
                yield reader.play_of(row, cells)
        except ValueError as error:
            yield BadRow(part.name, row, str(error))


def _with_clocks(rows: Iterable[NumberedCells], roles: dict[Role, int]) -> Iterator[NumberedCells]:
    """The rows with the time of day beside the day, in one cell."""
    day, clock = roles[Role.LISTENED_AT], roles[Role.CLOCK]
    for row, cells in rows:
        if isinstance(cells, str):
            yield row, cells
        else:
            yield row, [*cells[:day], joined(cells[day], cells[clock]), *cells[day + 1 :]]


def described_in(roles: Iterable[Role]) -> Role | None:
    """The column that tells the titles of tracks among other names, if no column has them alone."""
    known = set(roles)
    if Role.TRACK_NAME in known:
        return None
    return next((role for role in DESCRIPTIONS if role in known), None)


def names_in(description: Any, role: Role) -> tuple[str | None, str | None, str | None]:
    """What a cell of `role` tells, in the order of `DESCRIBED`."""
    return described(description, with_album=role is Role.DESCRIPTION_AND_ALBUM)


def _with_names(rows: Iterable[NumberedCells], at: int, role: Role) -> Iterator[NumberedCells]:
    """The rows with the names that their descriptions tell in further cells."""
    for row, cells in rows:
        yield row, cells if isinstance(cells, str) else [*cells, *names_in(cells[at], role)]


def _in_zones(rows: Iterable[NumberedCells], roles: dict[Role, int]) -> Iterator[NumberedCells]:
    """The rows with the time zone of another column beside each time, in one cell."""
    if Role.ZONE not in roles:
        yield from rows
        return
    zone = roles[Role.ZONE]
    times = {roles[role] for role in (Role.LISTENED_AT, Role.STOPPED_AT) if role in roles}
    for row, cells in rows:
        if isinstance(cells, str):
            yield row, cells
        else:
            zoned = [LocalTime(each, cells[zone]) if at in times else each
                     for at, each in enumerate(cells)]  # fmt: skip
            yield row, zoned


class _RowReader:
    """Makes a play of a row's cells."""

    def __init__(self, roles: dict[Role, int], convert: dict[Role, _Convert], part: Part) -> None:
        self._roles, self._convert, self._part = roles, convert, part
        self._kinds = [(roles[role], why) for role, why in WHY_NO_PLAY.items() if role in roles]
        self._fields = [
            (_FIELDS[role], position, convert[role])
            for role, position in roles.items()
            if role in _FIELDS
        ]
        self._stopped_at = roles.get(Role.STOPPED_AT)

    def play_of(self, row: int, cells: Cells) -> ParsedRow:
        """The play of a row, or why it is none; raises `ValueError` if the row is bad."""
        if reason := self._why_no_play(cells):
            return Ignored(reason, self._part.name)
        values = self._values(cells)
        values["listener_id"] = values["listener_id"] or self._part.listener_id
        if values["listener_id"] is None:
            raise ValueError("listener_id is empty")
        if self._stopped_at is not None and not is_moment(values.get("listened_at")):
            values["listened_at"] = _began_ms(cells[self._stopped_at], self._convert, values)
        skipped = cells[self._roles[Role.SKIPPED]] if Role.SKIPPED in self._roles else None
        values["reason_end"] = reason_end_of(values.get("reason_end"), skipped)
        return Play(part=self._part.number, row=row, source=SOURCE, **values)

    def _why_no_play(self, cells: Cells) -> str | None:
        for position, why in self._kinds:
            if reason := why(cells[position]):
                return reason
        if Role.SKIPPED not in self._roles or not is_yes(cells[self._roles[Role.SKIPPED]]):
            return None
        played = (self._convert[role](cells[self._roles[role]])
                  for role in PLAYED if role in self._roles)  # fmt: skip
        return SKIPPED if all(each is None for each in played) else None

    def _values(self, cells: Cells) -> dict[str, Any]:
        values: dict[str, Any] = {"listener_id": self._part.listener_id}
        for field, position, of in self._fields:
            if values.get(field) is not None and field != "listener_id":
                continue  # of several lengths, the first that is known
            try:
                values[field] = of(cells[position])
            except ValueError as error:
                if field != "listened_at" or self._stopped_at is None:
                    raise ValueError(f"{field} {error}") from None
        return values


def _began_ms(stopped: Any, convert: dict[Role, _Convert], values: dict[str, Any]) -> int:
    """When a play began of which only the end is known."""
    try:
        return int(convert[Role.STOPPED_AT](stopped)) - (values.get("ms_played") or 0)
    except ValueError as error:
        raise ValueError(f"listened_at {error}") from None


def _flag(reason: str) -> Callable[[Any], str | None]:
    return lambda value: reason if is_yes(value) else None


WHY_NO_PLAY: dict[Role, Callable[[Any], str | None]] = {
    Role.EVENT: why_no_play,
    Role.MEDIA: why_no_play,
    Role.PLAYING_NOW: _flag(PLAYING_NOW),
    Role.PRIVATE: _flag(PRIVATE),
    Role.PODCAST: _flag(PODCAST),
}
"""For each role of a column that may say so, why a row with that cell is no play."""
WORDS = (Role.EVENT, Role.MEDIA)
"""Those whose columns hold words, and not flags."""
PLAYED = (Role.MS_PLAYED, Role.SECONDS_PLAYED, Role.PLAYTIME)
"""Columns that state how long a track was played."""

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

    def time(role: Role) -> _Convert:
        unit = time_unit_of(sample(role))
        return lambda value: time_ms_of(value, unit)

    return dict.fromkeys(_FIELDS, text_of) | {
        Role.LISTENED_AT: time(Role.LISTENED_AT),
        Role.STOPPED_AT: time(Role.STOPPED_AT),
        Role.MS_PLAYED: _length(1.0),
        Role.SECONDS_PLAYED: _length(1_000.0),
        Role.PLAYTIME: _length(duration_scale_of(sample(Role.PLAYTIME))),
        Role.DURATION_MS: _length(1.0),
        Role.DURATION: _length(duration_scale_of(sample(Role.DURATION))),
        Role.RECORDING_MBID: mbid_of,
        Role.TRACK_ID: optional_text_of,
        Role.RELEASE_NAME: optional_text_of,
        Role.ARTIST_ID: optional_text_of,
        Role.REASON_END: optional_text_of,
    }


def settled_roles(columns: Sequence[str], rows: Sequence[Cells], part: Part) -> dict[Role, int]:
    """Roles of `columns` after a look at the first `rows`; `HistoryError` if one is missing.

    Of several columns for one role, an empty one counts as missing. The time is the column that can
    be read best. `track` may hold ids instead of titles. A column
    says what each row is only if it holds words for that.
    """
    roles = checked_roles(columns, part.name)
    filled_roles(roles, columns, rows)
    at = best_time(columns, rows)
    roles.pop(Role.LISTENED_AT, None)
    if at is not None:
        roles[Role.LISTENED_AT] = at
    if at is not None and is_in_utc(columns[at]):
        roles.pop(Role.ZONE, None)
    if not _has_clocks(roles, rows):
        roles.pop(Role.CLOCK, None)
    for role in WORDS:
        if role in roles and not are_kinds_of_rows(row[roles[role]] for row in rows):
            del roles[role]
    return _with_ids(roles, rows)


def _has_clocks(roles: dict[Role, int], rows: Sequence[Cells]) -> bool:
    day, clock = roles.get(Role.LISTENED_AT), roles.get(Role.CLOCK)
    if day is None or clock is None or day == clock:
        return False
    return are_days_and_clocks([row[day] for row in rows], [row[clock] for row in rows])


def artists_not_read(roles: Iterable[Role], columns: Iterable[str], name: str) -> str:
    """Why titles of different artists become one track; empty if they do not, or none can be read.

    >>> artists_not_read([Role.TRACK_NAME, Role.LISTENED_AT], ["title", "ts", "by"], "a.csv")
    'the artists of a.csv: no artist column was understood (others: by), so one title is one track'
    """
    identify = {Role.ARTIST_NAME, Role.ARTIST_ID, Role.TRACK_ID, Role.RECORDING_MBID, *DESCRIPTIONS}
    unknown = [each for each in columns if each.strip() and not roles_of([each])]
    if identify & {*roles} or not unknown:
        return ""
    return (
        f"the artists of {name}: no artist column was understood "
        f"(others: {', '.join(unknown)[:_NAMES_SHOWN]}), so one title is one track"
    )


_NAMES_SHOWN = 100


def _with_ids(roles: dict[Role, int], rows: Sequence[Cells]) -> dict[Role, int]:
    """A `track` and an `artist` column of whole numbers hold ids."""

    def are_ids(role: Role) -> bool:
        return role not in roles or are_numbers([row[roles[role]] for row in rows])

    if Role.TRACK_NAME not in roles or Role.TRACK_ID in roles or not rows:
        return roles
    if not (are_ids(Role.TRACK_NAME) and are_ids(Role.ARTIST_NAME)):
        return roles
    renamed = {Role.TRACK_NAME: Role.TRACK_ID}
    if Role.ARTIST_ID not in roles:
        renamed[Role.ARTIST_NAME] = Role.ARTIST_ID
    return {renamed.get(role, role): position for role, position in roles.items()}


def are_numbers(values: Iterable[Any]) -> bool:
    """Whether all values that are not missing are whole numbers, and at least one is."""
    known = [value for value in values if text_of(value) is not None]
    numbers = [number_of(value) for value in known]
    return bool(known) and all(each is not None and each.is_integer() for each in numbers)


def checked_roles(columns: Sequence[str], name: str) -> dict[Role, int]:
    """Roles of `columns`; `HistoryError` if required columns are missing."""
    roles = roles_of(columns)
    if missing := missing_of(roles):
        raise HistoryError(
            f"{name} has the columns {', '.join(columns)[:200]}: none for {' or '.join(missing)}.",
            f"A table of plays needs columns for {REQUIRED}; {NAMES_HINT}.",
        )
    return roles


def used_columns(columns: Sequence[str]) -> list[str]:
    """The columns that may have a role; all of them if none has, so that an error can name them."""
    used = [name for name in dict.fromkeys(columns) if may_have_role(name)]
    return used or list(columns)


def _length(scale: float) -> _Convert:
    return lambda value: length_ms_of(value, scale)
