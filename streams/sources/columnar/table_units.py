"""Infers the units of a table of plays, and the roles of its columns, from its first rows."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.sources.columnar.cells import UNKNOWN, Cells, first_of, times_ms
from streams.sources.formats.column_roles import (
    Role,
    duration_scale_of,
    is_calendar,
    table_time_scale_of,
)
from streams.sources.formats.table_rows import ROWS_INSPECTED
from topics.listening_event import EARLIEST_LISTENED_AT_MS, LATEST_AHEAD_MS


class TableUnits:
    """The units of a table, inferred from its first rows."""

    def __init__(self, cells: dict[Role, Cells]) -> None:
        def sample(role: Role) -> list[Any]:
            return first_of(cells[role], ROWS_INSPECTED) if role in cells else []

        times = sample(Role.LISTENED_AT)
        self._time_scale = table_time_scale_of(times)
        self._earliest_ms = EARLIEST_LISTENED_AT_MS if is_calendar(times) else 0
        self._latest_ms = time.time_ns() // 1_000_000 + LATEST_AHEAD_MS
        self.scales = {
            Role.MS_PLAYED: 1.0,
            Role.SECONDS_PLAYED: 1_000.0,
            Role.PLAYTIME: duration_scale_of(sample(Role.PLAYTIME)),
            Role.DURATION_MS: 1.0,
            Role.DURATION: duration_scale_of(sample(Role.DURATION)),
        }

    def times_ms(self, cells: dict[Role, Cells]) -> NDArray[np.int64]:
        """Times in ms; times of a calendar are `UNKNOWN` outside of the bounds of events."""
        at_ms = times_ms(cells[Role.LISTENED_AT], self._time_scale)
        is_possible = (at_ms >= self._earliest_ms) & (at_ms <= self._latest_ms)
        return np.where(is_possible, at_ms, UNKNOWN)
