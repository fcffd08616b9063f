"""Room for a copy of a large state: memory that is made and touched before the copy needs it.

Most of what a copy costs is memory that was never touched: the system clears it page by page.
So room is made in another thread, while learning goes on; see `streams.folding.state_copy`.
"""

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streams.folding.state_copy import Views

ROOM_FOR_GROWTH = 1.1
"""While room is made, learning goes on."""
_TOUCHED_BYTES, _REST_S = 1 << 20, 0.002
"""After so much of it the processor is others' for a while."""


def room_for(sizes: Mapping[str, int]) -> dict[str, NDArray[np.uint8]]:
    """Touched memory for arrays of so many bytes, and somewhat more; blocks."""
    room = {each: np.empty(int(n * ROOM_FOR_GROWTH), np.uint8) for each, n in sizes.items()}
    for each in room.values():
        for start in range(0, len(each), _TOUCHED_BYTES):
            each[start : start + _TOUCHED_BYTES].fill(0)
            if start:
                time.sleep(_REST_S)
    return room


def sizes_of(views: Views) -> dict[str, int]:
    """How many bytes each array takes."""
    return {name: sum(part.nbytes for part in parts) for name, parts in views.items()}
