"""Infers the units of a table of plays, and the roles of its columns, from its first rows."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.sources.columnar.cells import UNKNOWN, Cells, first_of, lengths_ms, times_ms
from streams.sources.formats.cell_values import duration_scale_of
from streams.sources.formats.column_roles import Role
from streams.sources.formats.table_rows import PLAYED, ROWS_INSPECTED
from streams.sources.formats.times import is_calendar, table_time_unit_of
from topics.listening_event import EARLIEST_LISTENED_AT_MS, LATEST_AHEAD_MS


class TableUnits:
    """The units of a table, inferred from its first rows."""

    def __init__(self, cells: dict[Role, Cells]) -> None:
        def sample(role: Role) -> list[Any]:
            return first_of(cells[role], ROWS_INSPECTED) if role in cells else []

        times = [*sample(Role.LISTENED_AT), *sample(Role.STOPPED_AT)]
        self._units = {
            role: table_time_unit_of(sample(role)) for role in (Role.LISTENED_AT, Role.STOPPED_AT)
        }
        self._earliest_ms = EARLIEST_LISTENED_AT_MS if is_calendar(times) else 0
        self._latest_ms = time.time_ns() // 1_000_000 + LATEST_AHEAD_MS
        self._scales = {
            Role.MS_PLAYED: 1.0,
            Role.SECONDS_PLAYED: 1_000.0,
            Role.PLAYTIME: duration_scale_of(sample(Role.PLAYTIME)),
            Role.DURATION_MS: 1.0,
            Role.DURATION: duration_scale_of(sample(Role.DURATION)),
        }

    def times_ms(self, cells: dict[Role, Cells]) -> NDArray[np.int64]:
        """Times in ms; times of a calendar are `UNKNOWN` outside of the bounds of events."""
        at_ms = self._began_ms(cells)
        is_possible = (at_ms >= self._earliest_ms) & (at_ms <= self._latest_ms)
        return np.where(is_possible, at_ms, UNKNOWN)

    def _began_ms(self, cells: dict[Role, Cells]) -> NDArray[np.int64]:
        """When plays began; where it is not known, the end less what was played."""
        found = {
            role: times_ms(cells[role], unit, cells.get(Role.ZONE))
            for role, unit in self._units.items()
            if role in cells
        }
        stopped = found.get(Role.STOPPED_AT)
        if stopped is None:
            return found[Role.LISTENED_AT]
        played = np.maximum(self.played_ms(cells, len(stopped)), 0)
        began = found.get(Role.LISTENED_AT, np.full(len(stopped), UNKNOWN))
        return np.where((began == UNKNOWN) & (stopped != UNKNOWN), stopped - played, began)

    def played_ms(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        """How long each row was played, `UNKNOWN` if that is not known; int32[rows]."""
        return self._length(cells, rows, *PLAYED)

    def duration_ms(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        """The lengths of the tracks, `UNKNOWN` if they are not known; int32[rows]."""
        return self._length(cells, rows, Role.DURATION_MS, Role.DURATION)

    def _length(self, cells: dict[Role, Cells], rows: int, *roles: Role) -> NDArray[np.int32]:
        """Of several lengths, the first that is known."""
        found = np.full(rows, UNKNOWN, np.int32)
        for role in roles:
            if role in cells and (found == UNKNOWN).any():
                told = lengths_ms(cells[role], self._scales[role])
                found = np.where(found == UNKNOWN, told, found)
        return found
