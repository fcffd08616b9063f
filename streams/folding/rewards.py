"""Translates events into rewards (implicit and negative feedback); no other file does.

A reward lies in [-1, 1]; NaN means that the event expresses no preference. The reward of a play
depends on how much of it was played: half of the track or four minutes is a full listen
(ListenBrainz's rule), and less gives proportionally less. A skip within half a minute is
-1, and HATE is, too. If it is unknown how much was played, the play counts in full, because the
program that recorded it took it for a listen. What a model makes of a reward is its own matter: the
blend learns nothing from a play with a reward of 0 or less (`docs/model.md`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from online_models.base import Signal
from topics.listening_event import KIND_CODES, EventKind

FULL_LISTEN_MS = 4 * 60_000
SHORT_PLAY_MS = 30_000
SKIP_REASONS = frozenset({"fwdbtn", "backbtn", "skipped", "skip", "nextbtn", "clickrow"})
"""The sources' values of reason_end which mean that the listener skipped the track."""


class Plays(Protocol):
    """Rows in columns as in `LearningBatch`; text columns hold positions in `strings`."""

    @property
    def strings(self) -> Sequence[str]:
        """The texts to which the positions in text columns refer."""
        ...

    @property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Arrays of one length, by name."""
        ...


_SIGNAL_OF_KIND = np.full(len(EventKind), 255, np.uint8)
for _signal in Signal:
    _SIGNAL_OF_KIND[KIND_CODES[_signal.name]] = _signal
_SIGNAL_OF_KIND[KIND_CODES["KEEP"]] = Signal.LISTEN

_FEEDBACK = np.full(len(Signal), np.nan, np.float32)
_FEEDBACK[Signal.LOVE], _FEEDBACK[Signal.HATE] = 1.0, -1.0


def signals_of(kinds: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`Signal` of each row's kind; ERASE has none (255) and is never passed to a model.

    A KEEP is the play that it names.
    """
    return np.asarray(_SIGNAL_OF_KIND[kinds], np.uint8)


def rewards_of(plays: Plays) -> NDArray[np.float32]:
    """Reward of each row of `plays`, float32 in [-1, 1] or NaN."""
    signals = signals_of(plays.columns["kinds"])
    rewards = _FEEDBACK[np.minimum(signals, len(_FEEDBACK) - 1)]
    listens = signals == Signal.LISTEN
    rewards[listens] = _listen_rewards(plays)[listens]
    return np.asarray(rewards, np.float32)


def _listen_rewards(plays: Plays) -> NDArray[np.float32]:
    played = plays.columns["ms_played"].astype(np.float32)
    length = plays.columns["duration_ms"].astype(np.float32)
    full = np.where(length > 0, np.minimum(length / 2, FULL_LISTEN_MS), SHORT_PLAY_MS)
    rewards = np.minimum(played / full, 1)
    short = (played >= 0) & (played < SHORT_PLAY_MS)
    rewards[short & _was_skipped(plays)] = -1
    rewards[played < 0] = 1
    return np.asarray(rewards, np.float32)


def _was_skipped(plays: Plays) -> NDArray[np.bool_]:
    reasons = plays.columns["reasons_end"]
    if not len(reasons) or reasons.max() < 0:  # the usual case, and a cheap check
        return np.zeros(len(reasons), np.bool_)
    return np.isin(reasons, _positions_of(plays.strings, SKIP_REASONS))


def _positions_of(strings: Sequence[str], wanted: frozenset[str]) -> list[int]:
    return [at for at, text in enumerate(strings) if text in wanted]
