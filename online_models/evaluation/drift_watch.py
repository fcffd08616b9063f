"""`DriftWatch`: detects that a model's hit rate has fallen (concept drift), with ADWIN.

ADWIN keeps a window of values and cuts it where the means of its two parts differ by more than
chance explains (Bifet & Gavaldà, Learning from Time-Changing Data with Adaptive Windowing, 2007;
River's implementation). A value is the hit rate of `WINDOW_PLAYS` scored plays. A cut after which
the hit rate is lower raises an alarm. A cut after which it is higher is normal while a model
learns, and raises none. An alarm changes no model: weights and tables are never reset.

The state is the hits of each window since the last cut, as whole numbers, and the detector is
rebuilt from them. The same plays in any batches, live or replayed or after a snapshot, therefore
give the same alarms.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.river_modules import river_module

ADWIN: Any = river_module("river.drift.adwin").ADWIN
WINDOW_PLAYS = 10
"""Scored plays per value of ADWIN. Hits within a session are correlated, so one play is too few."""
WINDOWS_MAX = 1 << 16
"""Maximum number of windows that are kept; beyond it the older half is dropped."""
ALARMS_KEPT = 64
"""Number of newest alarms that are kept."""
DELTA = 1e-5
"""ADWIN's confidence: a smaller value gives fewer false alarms, and later true ones."""
GRACE_WINDOWS = 50
"""Number of windows before which ADWIN detects nothing."""
EDGE_WINDOWS = 10
"""Minimum number of windows on both sides of a break."""

ALARM = np.dtype(
    [("scored", "<i8"), ("at", "<i8"), ("since", "<i8"), ("before", "<f8"), ("after", "<f8")]
)


class Alarm(NamedTuple):
    """A detected fall of the hit rate."""

    scored: int
    """Number of scored plays when the fall was detected."""
    at: int
    """The position of the last of them, as passed to `DriftWatch.update`."""
    since: int
    """Estimated number of scored plays when the hit rate fell."""
    before: float
    after: float
    """Hit rates before and after the fall."""


class DriftWatch:
    """Detects falls of one model's hit rate.

    >>> watch = DriftWatch()
    >>> hits = np.arange(30_000) % 10 < np.where(np.arange(30_000) < 20_000, 5, 3)
    >>> watch.update(hits, np.arange(30_000))
    >>> [(20_000 < alarm.at < 22_000, alarm.since, alarm.before, alarm.after)
    ...  for alarm in watch.alarms]
    [(True, 20000, 0.5, 0.3)]
    """

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []
        """The newest alarms, `ALARMS_KEPT` at most, oldest first."""
        self.raised = 0
        """Number of alarms so far."""
        self._scored = 0
        self._open_hits = 0
        self._windows: list[int] = []
        self._detector = _detector(())

    def update(self, hits: NDArray[np.bool_], at: NDArray[np.int64]) -> None:
        """Adds scored plays in order: whether each was a hit, and its position; [n] each."""
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
        """Arrays for `load`."""
        return {
            "drift_windows": np.array(self._windows, np.int8),
            "drift_counts": np.array([self._scored, self._open_hits, self.raised], np.int64),
            "drift_alarms": np.array(self.alarms, ALARM),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replaces the state by a `state()`."""
        self._begin(state["drift_windows"].tolist())
        self._scored, self._open_hits, self.raised = state["drift_counts"].tolist()
        self.alarms = [Alarm(*alarm) for alarm in state["drift_alarms"].tolist()]


def _break_of(windows: list[int]) -> int:
    """The index of the window at which the hit rate most probably changed.

    The most likely single break of a mean (Hinkley 1970), at least `EDGE_WINDOWS` from both ends.
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
