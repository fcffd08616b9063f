"""Exports the events of the learning-log to a file that `echotune import` and others read.

The log is read twice: once to its end for the erasures, so that no erased listener is in the file,
and once for the events. What an event is worth (its verdict) follows from all events before it, so
the second reading begins with the log, too, whatever is selected.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.registry import build
from streams.archive.export_files import Write, check_kind, export_file
from streams.archive.export_rows import rows_of
from streams.folding.fold import Fold
from streams.folding.judging import EventJudge, JudgedRows
from streams.generation.fold_factory import BASELINE
from streams.kafka.log_places import first_place, last_place, time_ms_of
from streams.kafka.log_reader import LogReader
from topics.catalogue import LISTENING_EVENTS
from topics.errors import SettingsError
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord

_RECORDS_AT_ONCE = 64
_ERASURES_SHARE = 0.2
"""About the share of the work that the first reading is."""

Show = Callable[[float | None, str], object]


@dataclass(frozen=True)
class Selection:
    """What to export, as the options say it; None for all."""

    first: str | None = None
    last: str | None = None
    listener: str | None = None
    since: str | None = None
    until: str | None = None


def export(
    kafka: str, path: Path, selected: Selection, duplicate_window: int, show: Show
) -> dict[str, Any]:
    """Writes the selected events to `path`, in the order of the log; returns JSON values.

    Raises `SettingsError` if the selection cannot be, and `ArchiveError` if the disk refuses.
    """
    began = time.perf_counter()
    check_kind(path)
    with LogReader(kafka) as log:
        end = log.bounds().end
        first = first_place(log, selected.first, "--from-log") if selected.first else 0
        last = last_place(log, selected.last, "--to-log") if selected.last else end - 1
        if last < first and (selected.first or selected.last):
            raise SettingsError(
                f"Nothing of the log is between {first} and {last}.",
                "Give --from-log the earlier place, and --to-log the later one.",
            )
        is_wanted = _filter_of(selected)
        skimming = _skimmed(log, end, show)
        judge = EventJudge(skimming.erasures, duplicate_window)
        verdicts: Counter[str] = Counter()
        with export_file(path) as write:
            for judged in _judged(log, judge, last, show):
                if judged.log_offset >= first:
                    _add(write, judge, judged, is_wanted(judged), verdicts)
    return {
        "file": str(path),
        "rows": verdicts.total(),
        "verdicts": dict(sorted(verdicts.items())),
        "left_out_erased": judge.left_out,
        "first": first,
        "last": last,
        "bytes": path.stat().st_size,
        "seconds": round(time.perf_counter() - began, 3),
    }


def _skimmed(log: LogReader, end: int, show: Show) -> Fold:
    """A fold of the whole log that has learnt nothing: it knows who is erased."""
    fold = Fold(build(BASELINE), build(BASELINE), duplicate_window=1024, learn_from=end)
    for part in _parts(log, end - 1):
        fold.apply_many(part)
        share = _ERASURES_SHARE * (fold.offset + 1) / end
        show(share, f"erasures up to record {fold.offset:,}")
    return fold


def _judged(log: LogReader, judge: EventJudge, last: int, show: Show) -> Iterator[JudgedRows]:
    for part in _parts(log, last):
        yield from judge.judge(part)
        done = (judge.offset + 1) / (last + 1)
        share = _ERASURES_SHARE + (1 - _ERASURES_SHARE) * done
        show(share, f"events up to record {judge.offset:,}")


def _parts(log: LogReader, last: int) -> Iterator[list[tuple[int, LogRecord]]]:
    records = log.decoded(0, last)
    while part := list(islice(records, _RECORDS_AT_ONCE)):
        yield part


def _add(
    write: Write,
    judge: EventJudge,
    judged: JudgedRows,
    kept: NDArray[np.bool_],
    verdicts: Counter[str],
) -> None:
    rows = rows_of(judged, _topic_of(judge, judged.batch), kept)
    if len(rows):
        write(rows)
        verdicts.update(rows.column("verdict").to_pylist())


def _topic_of(judge: EventJudge, batch: LearningBatch) -> str:
    return judge.source_name(batch.source.topic_id) or LISTENING_EVENTS.name


def _filter_of(selected: Selection) -> Callable[[JudgedRows], NDArray[np.bool_]]:
    """Which of the judged rows are of the wanted listener and time."""
    since = time_ms_of(selected.since, "--since") if selected.since else None
    until = time_ms_of(selected.until, "--until") if selected.until else None

    def is_wanted(judged: JudgedRows) -> NDArray[np.bool_]:
        columns, kept = judged.batch.columns, np.ones(len(judged.rows), np.bool_)
        if selected.listener is not None:
            named = [at for at, it in enumerate(judged.batch.strings) if it == selected.listener]
            kept &= np.isin(columns["listeners"][judged.rows], named)
        at_ms = columns["listened_at"][judged.rows]
        if since is not None:
            kept &= at_ms >= since
        if until is not None:
            kept &= at_ms < until
        return kept

    return is_wanted
