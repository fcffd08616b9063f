"""Reads the exports of services into columns for evaluation, as an import reads them."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streams.sources.columnar.cells import UNKNOWN, TextCodes
from streams.sources.columnar.play_columns import PlayBuffer, PlayColumns, ReadingReport
from streams.sources.columnar.play_rewards import rewards_of_listens
from streams.sources.history.history import BadRow, History, Ignored, Skipped
from topics.listening_event import ListeningEvent

_EVENTS_A_BLOCK = 10_000


def read_history_columns(
    paths: Sequence[Path], listener_id: str | None, on_rows: Callable[[int], object]
) -> tuple[PlayColumns, ReadingReport]:
    """Plays in order of time, and a report of the rows left out; see `History`."""
    report, collected = ReadingReport(), PlayBuffer()
    history = History(paths, listener_id, now_ms=time.time_ns() // 1_000_000)
    events: list[ListeningEvent] = []
    for row in history.rows():
        if isinstance(row, Skipped):
            report.skipped.append(str(row))
            continue
        report.rows += 1
        if isinstance(row, BadRow):
            report.leave_out(row)
        elif isinstance(row, Ignored):
            report.ignored[row.reason] += 1
        else:
            events.append(row)
        if len(events) == _EVENTS_A_BLOCK:
            _collect(collected, events)
            events = []
            on_rows(report.rows)
    _collect(collected, events)
    return collected.plays(has_scored=False), report


def _collect(collected: PlayBuffer, events: list[ListeningEvent]) -> None:
    durations = _lengths([each.duration_ms for each in events])
    words = TextCodes()
    reasons = words.encode([each.reason_end for each in events])
    collected.add(
        _codes(collected.listeners, [each.listener_id for each in events]),
        _codes(collected.tracks, [each.track_id for each in events]),
        _codes(collected.artists, [each.artist_id for each in events]),
        np.array([each.listened_at for each in events], np.int64),
        rewards_of_listens(
            _lengths([each.ms_played for each in events]),
            durations,
            reasons,
            words.texts,
        ),
        np.zeros(len(events), np.bool_),
        np.zeros(len(events), np.int32),
        durations,
    )


def _codes(codes: TextCodes, ids: list[str | None]) -> NDArray[np.int32]:
    found = [UNKNOWN if each is None else codes.code_of_id(each) for each in ids]
    return np.array(found, np.int32)


def _lengths(lengths: list[int | None]) -> NDArray[np.int32]:
    return np.array([UNKNOWN if each is None else each for each in lengths], np.int32)
