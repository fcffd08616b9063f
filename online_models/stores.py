"""Stores: named tuples of arrays whose first axis is a listener's or a track's code.

Compiled code reads and writes them but never makes them larger; that happens here, in between.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import xxhash
from numpy.typing import NDArray

from online_models.errors import ModelError

FIRST_ROWS = 1024

Stores = TypeVar("Stores", bound=tuple[Any, ...])
Arrays = dict[str, NDArray[Any]]


def leaves(stores: Any, prefix: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and array of each field, depth first, in the order in which they are declared."""
    for name in stores._fields:
        value = getattr(stores, name)
        if isinstance(value, tuple):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def capacity(rows: int) -> int:
    """How many rows to make when `rows` are needed: at most a quarter more."""
    step = 1 << max((rows - 1).bit_length() - 3, 0)
    return 0 if rows == 0 else max(FIRST_ROWS, -(-rows // step) * step)


def room(stores: Any) -> int:
    """How many rows the stores have."""
    return max(len(array) for _, array in leaves(stores))


def grown(stores: Stores, rows: int, empty: Callable[[int], Stores]) -> Stores:
    """`stores` with room for `rows` rows; the new rows are as `empty(rows)` makes them."""
    larger = empty(capacity(rows))
    for (_, new), (_, old) in zip(leaves(larger), leaves(stores), strict=True):
        new[: len(old)] = old[: len(new)]
    return larger


def trimmed(stores: Any, rows: int) -> Arrays:
    """Copies of the first `rows` rows of each array, by name."""
    return {name: array[:rows].copy() for name, array in leaves(stores)}


def filled(stores: Any, arrays: Arrays) -> None:
    """Copies `arrays` into the first rows of `stores`; raises `ModelError` if they do not fit."""
    mine = dict(leaves(stores))
    if mine.keys() != arrays.keys():
        raise ModelError(
            f"The state has arrays {sorted(arrays)}, the model has {sorted(mine)}.",
            "It is another model's: replay the log, or start the model that it belongs to.",
        )
    for name, array in arrays.items():
        mine[name][: len(array)] = array


def digest_into(digest: "xxhash.xxh3_128", stores: Any, rows: int) -> None:
    """Adds names, shapes and the first `rows` rows of each array to `digest`."""
    for name, array in leaves(stores):
        live = array[:rows]
        digest.update(f"{name}{live.dtype.str}{live.shape}".encode())
        digest.update(live.data)
