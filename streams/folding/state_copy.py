"""Copies a large state in one go while the event loop waits, and keeps that wait short.

Most of what a copy costs is memory that was never touched: the system clears it page by page.
So room is made and touched beforehand, in another thread, and the copy itself is as fast as memory.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Views = Mapping[str, Sequence[NDArray[Any]]]
"""Array → its parts, one after the other, which may be memory that changes with the next event."""
Room = Mapping[str, NDArray[np.uint8]]
"""Memory that was touched, by array."""
ROOM_FOR_GROWTH = 1.1
"""While room is made, learning goes on."""
_TOUCHED_BYTES, _REST_S = 1 << 20, 0.002
"""After so much of it the processor is others' for a while."""


def room_for(sizes: Mapping[str, int]) -> dict[str, NDArray[np.uint8]]:
    """Touched memory for arrays of so many bytes, and somewhat more."""
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


def copied(views: Views, room: Room | None = None) -> dict[str, NDArray[Any]]:
    """The arrays, each in memory of its own: that of `room` where it suffices.

    >>> parts = [np.array([1, 2]), np.array([3])]
    >>> copied({"a": parts}, room_for({"a": 24}))
    {'a': array([1, 2, 3])}
    """
    return {name: _copied(parts, (room or {}).get(name)) for name, parts in views.items()}


def _copied(parts: Sequence[NDArray[Any]], room: NDArray[np.uint8] | None) -> NDArray[Any]:
    size, first = sum(part.nbytes for part in parts), parts[0]
    target = room[:size] if room is not None and len(room) >= size else np.empty(size, np.uint8)
    at = 0
    for part in parts:
        if part.nbytes:
            target[at : at + part.nbytes] = np.ascontiguousarray(part).reshape(-1).view(np.uint8)
        at += part.nbytes
    rows = sum(len(part) for part in parts)
    return target.view(first.dtype).reshape(rows, *first.shape[1:])
