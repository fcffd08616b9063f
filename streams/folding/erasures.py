"""Erased listeners: a hash, a time (to refuse older plays that come late) and a log offset.

`Fold._forget` deletes the state of an erased listener.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


def listener_hash(listener_id: str) -> bytes:
    """16 bytes by which an erased listener's id is recognised, although the id is not kept."""
    return blake2b(listener_id.encode(), digest_size=16, person=b"echotune-erased").digest()


class Erasure(NamedTuple):
    """The time of an erasure (ms), and the offset of the log record that holds it."""

    at_ms: int
    log_offset: int


_NEVER = Erasure(np.iinfo(np.int64).min, -1)


class Erasures:
    """The newest erasure of each erased listener, by the hash of its id; kept for ever."""

    def __init__(self) -> None:
        self.newest: dict[bytes, Erasure] = {}

    def erase(self, listener_id: str, at_ms: int, log_offset: int) -> None:
        """Notes an erasure; of two erasures of a listener the later one counts."""
        if not self.has(listener_id, at_ms):
            self.newest[listener_hash(listener_id)] = Erasure(at_ms, log_offset)

    def has(self, listener_id: str, at_ms: int) -> bool:
        """Whether this erasure or a later one of the listener is already known."""
        return at_ms <= self._until(listener_id)

    def after(self, log_offset: int) -> list[int]:
        """Offsets above `log_offset` of the log records with the newest erasure of a listener."""
        found = {each.log_offset for each in self.newest.values()}
        return sorted(each for each in found if each > log_offset)

    def rows(self) -> list[list[Any]]:
        """All of them as JSON values with a fixed order, for `load`."""
        return sorted([key.hex(), *at] for key, at in self.newest.items())

    def load(self, rows: Iterable[Sequence[Any]]) -> None:
        """Replaces all by those of `rows()`."""
        self.newest = {bytes.fromhex(key): Erasure(*at) for key, *at in rows}

    def _until(self, listener_id: str) -> int:
        return self.newest.get(listener_hash(listener_id), _NEVER).at_ms

    def refused(
        self, strings: Sequence[str], listeners: NDArray[np.int32], at_ms: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which rows are not newer than their listener's erasure: one bool per row.

        `listeners` are positions in `strings`, `at_ms` the rows' times.
        """
        if not self.newest:
            return np.zeros(len(listeners), np.bool_)
        until = np.full(len(strings), _NEVER.at_ms, np.int64)
        for at in set(listeners.tolist()):
            until[at] = self._until(strings[at])
        return np.asarray(at_ms <= until[listeners])
