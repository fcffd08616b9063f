"""Plays in columns, in order of time: the input of an evaluation, regardless of file format."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.evaluation.novelty import pairs
from streams.sources.columnar.cells import TextCodes
from streams.sources.near_duplicates import MASKED, NearDuplicates
from streams.sources.plays import BadReasons, BadRow
from topics.listening_event import ID_LENGTH_MAX
from topics.recommendation_list import EVERYONE

BAD_ROWS_KEPT = 20


@dataclass
class ReadingReport:
    """Numbers of rows that were read, by outcome."""

    rows: int = 0
    bad: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    """The first `BAD_ROWS_KEPT` of them."""
    ignored: Counter[str] = field(default_factory=Counter)
    """Number of rows that are no plays of music, by reason."""
    skipped: list[str] = field(default_factory=list)
    """Files, and artists of tables, that were not read, and why."""
    bad_reasons: BadReasons = field(default_factory=BadReasons)
    columns: dict[str, str] = field(default_factory=dict)
    """Role → name of the column that has it."""

    def leave_out(self, row: BadRow) -> None:
        """Counts a bad row."""
        self.bad += 1
        self.bad_reasons.add(row)
        if len(self.bad_rows) < BAD_ROWS_KEPT:
            self.bad_rows.append(row)


@dataclass(frozen=True)
class PlayColumns:
    """n plays with 33 bytes each, and every id once."""

    listeners: NDArray[np.int32]
    tracks: NDArray[np.int32]
    artists: NDArray[np.int32]
    """-1 if unknown."""
    at_ms: NDArray[np.int64]
    rewards: NDArray[np.float32]
    """In [-1, 1], as `folding/rewards` defines them."""
    scored: NDArray[np.bool_] | None
    """The plays that are scored, if the files have a column `scored`; otherwise None."""
    files: NDArray[np.int32]
    """Number of the file that each play is from."""
    durations: NDArray[np.int32]
    """Length of the track in ms; -1 if unknown."""
    listener_ids: list[str]
    track_ids: list[str]
    artist_ids: list[str]

    def __len__(self) -> int:
        return len(self.at_ms)

    def rows(self, which: Any) -> "PlayColumns":
        """The plays that a slice, a mask or positions select."""
        return replace(
            self,
            listeners=self.listeners[which],
            tracks=self.tracks[which],
            artists=self.artists[which],
            at_ms=self.at_ms[which],
            rewards=self.rewards[which],
            scored=None if self.scored is None else self.scored[which],
            files=self.files[which],
            durations=self.durations[which],
        )

    def in_order(self) -> "PlayColumns":
        """Stably sorted by time; codes are in the order of first appearance."""
        plays = self
        if np.any(np.diff(self.at_ms) < 0):
            plays = self.rows(np.argsort(self.at_ms, kind="stable"))
        listeners, listener_ids = _by_appearance(plays.listeners, plays.listener_ids)
        tracks, track_ids = _by_appearance(plays.tracks, plays.track_ids)
        artists, artist_ids = _by_appearance(plays.artists, plays.artist_ids)
        return PlayColumns(
            listeners, tracks, artists, plays.at_ms, plays.rewards, plays.scored,
            plays.files, plays.durations, listener_ids, track_ids, artist_ids,
        )  # fmt: skip


def _by_appearance(codes: NDArray[np.int32], ids: list[str]) -> tuple[NDArray[np.int32], list[str]]:
    first = np.full(len(ids) + 1, len(codes), np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # the last write wins
    first[-1] = len(codes)
    order = np.argsort(first[:-1], kind="stable")
    order = order[first[order] < len(codes)]
    new = np.full(len(ids) + 1, -1, np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    return new[codes], [ids[code] for code in order.tolist()]


class PlayBuffer:
    """Buffers blocks of plays until they are combined into `PlayColumns`."""

    def __init__(self) -> None:
        self.listeners = TextCodes(ID_LENGTH_MAX, frozenset({EVERYONE}))
        self.tracks, self.artists = TextCodes(ID_LENGTH_MAX), TextCodes(ID_LENGTH_MAX)
        self._blocks: list[tuple[NDArray[Any], ...]] = []

    def add(self, *columns: NDArray[Any]) -> None:
        """Listeners, tracks, artists, times, rewards, scored, files, durations; of equal length."""
        self._blocks.append(columns)

    def plays(self, *, has_scored: bool) -> PlayColumns:
        """All plays in order of time."""
        blocks = [tuple(np.zeros(0, kind) for kind in _KINDS.values()), *self._blocks]
        self._blocks = []
        columns: dict[str, Any] = {
            name: np.concatenate(each).astype(kind, copy=False)
            for (name, kind), each in zip(_KINDS.items(), zip(*blocks, strict=True), strict=True)
        }
        return PlayColumns(
            **(columns if has_scored else columns | {"scored": None}),
            listener_ids=self.listeners.texts,
            track_ids=self.tracks.texts,
            artist_ids=self.artists.texts,
        ).in_order()


_KINDS = {
    "listeners": np.int32,
    "tracks": np.int32,
    "artists": np.int32,
    "at_ms": np.int64,
    "rewards": np.float32,
    "scored": np.bool_,
    "files": np.int32,
    "durations": np.int32,
}


def is_repeated(plays: PlayColumns) -> NDArray[np.bool_]:
    """Which plays, in order of time, equal an earlier one: same listener, track and time; [n]."""
    pair = pairs(plays.listeners, plays.tracks)
    order = np.argsort(pair, kind="stable")
    pair, at_ms = pair[order], plays.at_ms[order]
    repeated = np.zeros(len(plays), np.bool_)
    repeated[order[1:]] = (pair[1:] == pair[:-1]) & (at_ms[1:] == at_ms[:-1])
    return repeated


def is_in_another_file(plays: PlayColumns) -> NDArray[np.bool_]:
    """Which plays, in order of time, repeat one of another file (near duplicates); bool[n]."""
    if not len(plays) or (plays.files == plays.files[0]).all():
        return np.zeros(len(plays), np.bool_)
    verdicts = NearDuplicates().verdicts(
        plays.listeners, plays.tracks, plays.files, plays.at_ms, plays.durations
    )
    return np.asarray(verdicts == MASKED)
