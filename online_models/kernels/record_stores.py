"""Record stores: arrays of records, one per code or one per other thing, that grow.

Compiled code reads and writes records but never grows a store; this module does, between calls. A
record of zeros is an unused one, so that allocated records take physical memory only when used.
"""

from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from online_models.errors import ModelError

FIRST_ROWS = 1024
"""Smallest number of rows of a store that is not empty."""

Arrays = dict[str, NDArray[Any]]
Records = NDArray[Any]


class Store(NamedTuple):
    """The layout of a store."""

    record: "np.dtype[Any]"
    by: str
    """Whose codes number the rows; POOL: rows are allocated one by one; FIXED: constant number."""
    rows: int = 0
    """The number of rows of a FIXED store."""


POOL, FIXED = "pool", "fixed"


def empty(record: "np.dtype[Any]", rows: int) -> Records:
    """A store of `rows` unused records."""
    return np.zeros(rows, record)


def capacity(rows: int) -> int:
    """The number of rows to allocate if `rows` are needed: at most a quarter more."""
    step = 1 << max((rows - 1).bit_length() - 3, 0)
    return 0 if rows == 0 else max(FIRST_ROWS, -(-rows // step) * step)


def grown(records: Records, rows: int) -> Records:
    """`records` with capacity for at least `rows` rows; a copy if it has to grow."""
    if rows <= len(records):
        return records
    larger = empty(records.dtype, capacity(rows))
    larger[: len(records)] = records
    return larger


def as_bytes(records: Records) -> NDArray[np.uint8]:
    """The same memory as uint8[rows, bytes per record]."""
    return records.view(np.uint8).reshape(len(records), records.dtype.itemsize)


def fill(name: str, records: Records, saved: NDArray[Any]) -> None:
    """Copies `saved` (see `as_bytes`) into the first rows; raises `ModelError` if sizes differ."""
    if saved.dtype != np.uint8 or saved.shape[1:] != (records.dtype.itemsize,):
        raise ModelError(
            f"The state's {name} are records of {saved.shape[1:]} bytes, the model's of "
            f"{records.dtype.itemsize}.",
            "Replay the log, or start the model that the state belongs to.",
        )
    as_bytes(records)[: len(saved)] = saved


def digest_into(digest: "xxhash.xxh3_128", name: str, records: Records) -> None:
    """Adds name, size and contents to `digest`."""
    digest.update(f"{name} {len(records)} {records.dtype.itemsize} ".encode())
    digest.update(np.ascontiguousarray(as_bytes(records)).data)
