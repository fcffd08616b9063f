"""Recognises plays that another scrobbler reported as well (near duplicates), as the fold does.

The rule is that of the deduplication window (`folding/window_kernels`). Files are read before
their plays are in the log, so import and evaluation apply it to plays in order of time.
"""

import numpy as np
from numpy.typing import NDArray

from streams.folding.deduplication_window import DeduplicationWindow, EventColumns, entries_of
from streams.folding.window_kernels import MASKED, NEW
from topics.listening_event import KIND_CODES

__all__ = ["MASKED", "NEW", "NearDuplicates"]

PLAYS_KEPT = 1_000_000
"""Maximum number of plays with which a play is compared: the last ones before it."""
_PLAYS_A_BLOCK = 1 << 17
_LISTEN = KIND_CODES["LISTEN"]

_Play = tuple[int, int, int]


class NearDuplicates:
    """Finds near duplicates among plays in order of time, whose ids are codes."""

    def __init__(self) -> None:
        self._window = DeduplicationWindow(PLAYS_KEPT)
        self._plays = 0
        self._at_ms: int | None = None
        self._masked: set[_Play] = set()
        """The near duplicates of the current time."""

    def verdicts(
        self,
        listeners: NDArray[np.int32],
        tracks: NDArray[np.int32],
        scrobblers: NDArray[np.int32],
        at_ms: NDArray[np.int64],
        duration_ms: NDArray[np.int32],
    ) -> NDArray[np.uint8]:
        """The verdict on each play: NEW, DUPLICATE of the same scrobbler's, or MASKED; uint8[n].

        A play that equals a masked one of its scrobbler is masked, too. Durations may be -1
        (unknown).
        """
        found = np.zeros(len(at_ms), np.uint8)
        for start in range(0, len(at_ms), _PLAYS_A_BLOCK):
            block = slice(start, start + _PLAYS_A_BLOCK)
            found[block] = self._in_block(
                listeners[block], tracks[block], scrobblers[block], at_ms[block], duration_ms[block]
            )
        return found

    def _in_block(
        self,
        listeners: NDArray[np.int32],
        tracks: NDArray[np.int32],
        scrobblers: NDArray[np.int32],
        at_ms: NDArray[np.int64],
        duration_ms: NDArray[np.int32],
    ) -> NDArray[np.uint8]:
        n = len(at_ms)
        keys = np.zeros((n, 2), "<u8")
        keys[:, 0] = np.arange(self._plays, self._plays + n)
        self._plays += n
        verdicts = self._window.classify(
            entries_of(
                EventColumns(
                    keys=keys,
                    listeners=listeners,
                    tracks=tracks,
                    at_ms=at_ms,
                    sources=scrobblers,
                    listens=np.ones(n, np.bool_),
                    kinds=np.full(n, _LISTEN, np.uint8),
                    ms_played=np.full(n, -1, np.int32),
                    duration_ms=duration_ms,
                )
            )
        )
        for row in np.flatnonzero(verdicts != NEW).tolist():
            play = int(listeners[row]), int(tracks[row]), int(scrobblers[row])
            if self._is_masked(play, int(at_ms[row]), is_new=verdicts[row] == MASKED):
                verdicts[row] = MASKED
        return verdicts

    def _is_masked(self, play: _Play, at_ms: int, *, is_new: bool) -> bool:
        """An equal play of the same scrobbler shares the lot of the first one."""
        if at_ms != self._at_ms:
            self._at_ms, self._masked = at_ms, set()
        if is_new:
            self._masked.add(play)
        return play in self._masked
