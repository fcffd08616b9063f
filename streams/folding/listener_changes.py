"""The last change of each listener: the publisher derives from it whose lists to make."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.vocabulary import Vocabulary

_LISTENER = np.dtype([("last_changed", "<i8"), ("newest", "<i8")])
"""Its field names and types are part of the snapshot format and of the digest."""
_NO_EVENT = np.array((-1, 0), _LISTENER)
_ROWS_MIN = 1024


class ListenerChanges:
    """One row per listener, at the listener's code: the last change and the newest event.

    >>> listeners = Vocabulary()
    >>> changes = ListenerChanges(listeners)
    >>> codes = listeners.encode_many(["ann", "bob"])
    >>> changes.note(codes, at_ms=np.array([9_000, 8_000]), log_offsets=np.array([4, 7]))
    >>> changes.after(4).tolist(), changes.newest(codes).tolist()
    ([1], [9000, 8000])
    """

    def __init__(self, listeners: Vocabulary) -> None:
        self._listeners = listeners
        self._rows = np.zeros(0, _LISTENER)
        """At least one per listener; the others are reserved for new listeners."""

    def note(
        self,
        listeners: NDArray[np.int32],
        at_ms: NDArray[np.int64],
        log_offsets: NDArray[np.int64],
    ) -> None:
        """Notes one event per row: its listener's code, its time (ms), its record's log offset.

        A listener may have several events, in any order. Every code that was assigned since the
        last call gets a row, even if it is not in `listeners`.
        """
        self._grow()
        np.maximum.at(self._rows["last_changed"], listeners, log_offsets)
        np.maximum.at(self._rows["newest"], listeners, at_ms)

    def _grow(self) -> None:
        known, needed = len(self._rows), len(self._listeners)
        if known < needed:
            grown = np.full(max(2 * known, needed, _ROWS_MIN), _NO_EVENT)
            grown[:known] = self._rows
            self._rows = grown

    def forget(self, listener: int) -> None:
        """Resets the row of an erased listener, given by code."""
        self._rows[listener] = _NO_EVENT

    def after(self, log_offset: int) -> NDArray[np.int32]:
        """Codes of the listeners whose last change is above `log_offset`, ascending."""
        return np.flatnonzero(self.rows()["last_changed"] > log_offset).astype(np.int32)

    def not_erased(self, listeners: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of `listeners` (codes) that were not erased after their last change."""
        return listeners[self._rows["last_changed"][listeners] >= 0]

    def last_changed(self, listeners: NDArray[np.int32]) -> NDArray[np.int64]:
        """Log offset of the record that changed each of `listeners` (codes) last."""
        return np.asarray(self._rows["last_changed"][listeners])

    def newest(self, listeners: NDArray[np.int32]) -> NDArray[np.int64]:
        """listened_at of the newest event of each of `listeners` (codes), ms."""
        return np.asarray(self._rows["newest"][listeners])

    def rows(self) -> NDArray[Any]:
        """The rows of all listeners, in order of their codes; a view, not a copy."""
        return self._rows[: len(self._listeners)]

    def load(self, rows: NDArray[Any]) -> None:
        """Loads a copy of the `rows()` of another object."""
        self._rows = rows.copy()
