"""Erased listeners: nothing is kept of them but a hash and the time, to refuse what comes late."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_NEVER = np.iinfo(np.int64).min


def listener_hash(listener_id: str) -> bytes:
    """16 bytes that tell an erased listener's id again without keeping it."""
    return blake2b(listener_id.encode(), digest_size=16, person=b"echotune-erased").digest()


class Erasures:
    """Hash of each erased listener → time of the erasure (ms); kept for ever, 24 bytes each."""

    def __init__(self) -> None:
        self.erased_at: dict[bytes, int] = {}

    def erase(self, listener_id: str, at_ms: int) -> None:
        """Notes an erasure; of two the later one counts."""
        key = listener_hash(listener_id)
        self.erased_at[key] = max(at_ms, self.erased_at.get(key, at_ms))

    def has(self, listener_id: str, at_ms: int) -> bool:
        """Whether this erasure, or a later one, is known: it was delivered before."""
        return at_ms <= self.erased_at.get(listener_hash(listener_id), _NEVER)

    def refused(
        self, strings: Sequence[str], listeners: NDArray[np.int32], at_ms: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which rows are plays from before their listener's erasure, one bool a row.

        `listeners` are positions in `strings`, `at_ms` the rows' times.
        """
        if not self.erased_at:
            return np.zeros(len(listeners), np.bool_)
        until = np.full(len(strings), _NEVER, np.int64)
        for at in set(listeners.tolist()):
            until[at] = self.erased_at.get(listener_hash(strings[at]), _NEVER)
        return np.asarray(at_ms <= until[listeners])
