"""Stores: arrays of records, one a code or one for each of something else.

Compiled code reads and writes them but never makes them larger; that happens here, in between.
A record of zeros is one to which nothing has happened, so that room takes memory only once used.
"""

from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from online_models.errors import ModelError

FIRST_ROWS = 1024

Arrays = dict[str, NDArray[Any]]
Records = NDArray[Any]


class Store(NamedTuple):
    """How a store looks."""

    record: "np.dtype[Any]"
    by: str
    """Whose codes number the rows; or POOL: taken one by one; or FIXED: there from the start."""
    rows: int = 0
    """How many there are of a FIXED one."""


POOL, FIXED = "pool", "fixed"


def empty(record: "np.dtype[Any]", rows: int) -> Records:
    """Rows to which nothing has happened."""
    return np.zeros(rows, record)


def capacity(rows: int) -> int:
    """How many rows to make when `rows` are needed: at most a quarter more."""
    step = 1 << max((rows - 1).bit_length() - 3, 0)
    return 0 if rows == 0 else max(FIRST_ROWS, -(-rows // step) * step)


def grown(records: Records, rows: int) -> Records:
    """`records` with room for `rows` rows."""
    if rows <= len(records):
        return records
    larger = empty(records.dtype, capacity(rows))
    larger[: len(records)] = records
    return larger


def as_bytes(records: Records) -> NDArray[np.uint8]:
    """The same memory, uint8[rows, bytes a record]."""
    return records.view(np.uint8).reshape(len(records), records.dtype.itemsize)


def fill(name: str, records: Records, saved: NDArray[Any]) -> None:
    """Copies `as_bytes` of other records into the first rows; raises `ModelError` if unlike."""
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
