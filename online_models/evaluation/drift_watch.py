"""Tells when a model's hit rate falls, as against chance: ADWIN on windows of scored plays.

ADWIN keeps a window that is as long as its values are alike, and cuts it where two parts of it
differ by more than chance (Bifet & Gavaldà, Learning from Time-Changing Data with Adaptive
Windowing, 2007; River's implementation). A cut after which hits are rarer raises an alarm; one
after which they are more frequent is what learning looks like, and says nothing. An alarm changes
no model: tables are never reset.

The state is whole numbers: hits of each window since the last cut. The detector follows from them,
so that the same plays in any batches, live or replayed or from a snapshot, give the same alarms.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

WINDOW_PLAYS = 10
"""Scored plays whose hit rate is one value for ADWIN: plays of a session hit and miss together."""
WINDOWS_MAX = 1 << 16
"""So many are remembered; then the older half is forgotten."""
ALARMS_KEPT = 64
DELTA = 1e-5
"""ADWIN's confidence: the smaller, the rarer are false alarms, and the later true ones."""
GRACE_WINDOWS = 50
"""ADWIN says nothing before so many."""
EDGE_WINDOWS = 10

ALARM = np.dtype(
    [("scored", "<i8"), ("at", "<i8"), ("since", "<i8"), ("before", "<f8"), ("after", "<f8")]
)


class Alarm(NamedTuple):
    """The hit rate fell."""

    scored: int
    """How many plays had been scored when it was noticed."""
    at: int
    """Where that was, in whatever `DriftWatch.update` was told."""
    since: int
    """How many plays had been scored when it fell, as far as can be told."""
    before: float
    after: float
    """Hit rate until then, and since."""


class DriftWatch:
    """Watches one model's hits.

    >>> watch = DriftWatch()
    >>> hits = np.arange(30_000) % 10 < np.where(np.arange(30_000) < 20_000, 5, 3)
    >>> watch.update(hits, np.arange(30_000))
    >>> [(20_000 < alarm.at < 22_000, alarm.since, alarm.before, alarm.after)
    ...  for alarm in watch.alarms]
    [(True, 20000, 0.5, 0.3)]
    """

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []
        """The last ones, oldest first."""
        self.raised = 0
        """How many alarms there ever were."""
        self._scored = 0
        self._open_hits = 0
        self._windows: list[int] = []
        self._detector = _detector(())

    def update(self, hits: NDArray[np.bool_], at: NDArray[np.int64]) -> None:
        """Takes scored plays in order: whether each was a hit, and where it was; [n]."""
        start, n = 0, len(hits)
        while start < n:
            stop = min(n, start + WINDOW_PLAYS - self._scored % WINDOW_PLAYS)
            self._open_hits += int(hits[start:stop].sum())
            self._scored += stop - start
            if self._scored % WINDOW_PLAYS == 0:
                self._close_window(int(at[stop - 1]))
            start = stop

    def _close_window(self, at: int) -> None:
        self._windows.append(self._open_hits)
        self._detector.update(self._open_hits / WINDOW_PLAYS)
        self._open_hits = 0
        if self._detector.drift_detected:
            cut = _break_of(self._windows)
            before, after = _hit_rate(self._windows[:cut]), _hit_rate(self._windows[cut:])
            if after < before:
                since = self._scored - (len(self._windows) - cut) * WINDOW_PLAYS
                self._raise(Alarm(self._scored, at, since, before, after))
            self._begin(())
        elif len(self._windows) == WINDOWS_MAX:
            self._begin(self._windows[WINDOWS_MAX // 2 :])

    def _raise(self, alarm: Alarm) -> None:
        self.raised += 1
        self.alarms = [*self.alarms, alarm][-ALARMS_KEPT:]

    def _begin(self, windows: Iterable[int]) -> None:
        self._windows = list(windows)
        self._detector = _detector(self._windows)

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays that `load` takes."""
        return {
            "drift_windows": np.array(self._windows, np.int8),
            "drift_counts": np.array([self._scored, self._open_hits, self.raised], np.int64),
            "drift_alarms": np.array(self.alarms, ALARM),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Takes over a `state()`."""
        self._begin(state["drift_windows"].tolist())
        self._scored, self._open_hits, self.raised = state["drift_counts"].tolist()
        self.alarms = [Alarm(*alarm) for alarm in state["drift_alarms"].tolist()]


def _break_of(windows: list[int]) -> int:
    """Where the windows before and after differ most, as against chance.

    The likeliest single break in a mean (Hinkley 1970), at least `EDGE_WINDOWS` from both ends.
    """
    hits = np.array(windows, np.int64)
    n, left = len(hits), np.arange(1, len(hits))
    apart = np.abs(np.cumsum(hits)[:-1] * n - left * hits.sum())
    share = apart / np.sqrt(left * (n - left))
    inner = slice(EDGE_WINDOWS, n - EDGE_WINDOWS)
    return int(share[inner].argmax()) + EDGE_WINDOWS + 1


def _hit_rate(windows: list[int]) -> float:
    return sum(windows) / (len(windows) * WINDOW_PLAYS or 1)


def _detector(windows: Iterable[int]) -> ADWIN:
    """A detector that has seen `windows`."""
    detector = ADWIN(delta=DELTA, clock=1, grace_period=GRACE_WINDOWS)
    for hits in windows:
        detector.update(hits / WINDOW_PLAYS)
    return detector
