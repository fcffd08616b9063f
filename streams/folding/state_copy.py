"""Copies a large state in one step, and blocks the event loop only briefly.

Its caller makes room beforehand (see `streams.snapshots.array_buffers`), so that the copy itself is
as fast as memory.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Views = Mapping[str, Sequence[NDArray[Any]]]
"""Name of an array → its consecutive parts, which may be memory that the next event changes."""
Room = Mapping[str, NDArray[np.uint8]]
"""Preallocated memory whose pages were touched, by name of the array."""


def copied(views: Views, room: Room | None = None) -> dict[str, NDArray[Any]]:
    """Copies of the arrays, in the memory of `room` if that is large enough.

    >>> parts = [np.array([1, 2]), np.array([3])]
    >>> copied({"a": parts}, {"a": np.zeros(24, np.uint8)})
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
