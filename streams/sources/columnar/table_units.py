"""Infers the units of a table of plays, and the roles of its columns, from its first rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.sources.columnar.cells import Cells, first_of, times_ms
from streams.sources.formats.column_roles import (
    Role,
    duration_scale_of,
    is_nan,
    number_of,
    table_time_scale_of,
)
from streams.sources.formats.table_rows import ROWS_INSPECTED

_IDS_OF_NAMES = {Role.TRACK_NAME: Role.TRACK_ID, Role.ARTIST_NAME: Role.ARTIST_ID}


class TableUnits:
    """The units of a table, inferred from its first rows."""

    def __init__(self, cells: dict[Role, Cells]) -> None:
        def sample(role: Role) -> list[Any]:
            return first_of(cells[role], ROWS_INSPECTED) if role in cells else []

        self._time_scale = table_time_scale_of(sample(Role.LISTENED_AT))
        self.scales = {
            Role.MS_PLAYED: 1.0,
            Role.SECONDS_PLAYED: 1_000.0,
            Role.PLAYTIME: duration_scale_of(sample(Role.PLAYTIME)),
            Role.DURATION_MS: 1.0,
            Role.DURATION: duration_scale_of(sample(Role.DURATION)),
        }
        self._ids = {
            name: role
            for name, role in _IDS_OF_NAMES.items()
            if role not in cells and _are_numbers(sample(name))
        }

    def role_of(self, role: Role) -> Role:
        """The role of a column after its values were inspected: `track` may hold ids or titles."""
        return self._ids.get(role, role)

    def roled(self, cells: dict[Role, Cells]) -> dict[Role, Cells]:
        """The cells by the role that their values have."""
        return {self.role_of(role): each for role, each in cells.items()}

    def times_ms(self, cells: dict[Role, Cells]) -> NDArray[np.int64]:
        """Times in ms."""
        return times_ms(cells[Role.LISTENED_AT], self._time_scale)


def _are_numbers(values: list[Any]) -> bool:
    known = [value for value in values if value not in (None, "") and not is_nan(value)]
    numbers = [number_of(value) for value in known]
    return bool(known) and all(each is not None and each.is_integer() for each in numbers)
