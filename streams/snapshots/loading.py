"""Loads a snapshot into a fold, if it is of this log, this fold version and this configuration."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path

from streams.folding.fold import Fold
from streams.folding.fold_state import FOLD_VERSION
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import SnapshotHeader, made_by_newer
from topics.errors import LogError, SnapshotError

RecordHashAt = Callable[[int], str | None]
"""Log offset → hash of the record there; None if the log has no record there."""


class Fit(Enum):
    """Whether a snapshot fits this log and this software; otherwise the reason."""

    FITS = "fits"
    NEWER = "made by a newer version"
    OTHER_VERSION = "made by another fold_version or configuration"
    OTHER_LOG = "not of this learning-log"
    BEFORE_LOG = "older than the beginning of this learning-log"


def snapshot_fit(
    header: SnapshotHeader,
    configuration: str,
    log_topic_id: str,
    record_hash_at: RecordHashAt,
    log_start: int = 0,
) -> Fit:
    """Compares a snapshot with the configuration, and with the log record at its offset.

    The record is known by its bytes and its time, so a snapshot fits a restored log, too, which
    Kafka calls by another id. A snapshot also fits if the log begins at the very next offset:
    nothing is missing between.
    """
    if header.fold_version > FOLD_VERSION:
        return Fit.NEWER
    if (header.fold_version, header.configuration) != (FOLD_VERSION, configuration):
        return Fit.OTHER_VERSION
    if header.log_topic_id == log_topic_id and header.offset < log_start:
        return Fit.FITS if header.offset == log_start - 1 else Fit.BEFORE_LOG
    return Fit.FITS if record_hash_at(header.offset) == header.record_hash else Fit.OTHER_LOG


def load_newest(fold: Fold, folder: SnapshotFolder, check: Callable[[SnapshotHeader], Fit]) -> None:
    """Loads the newest snapshot that fits into `fold`.

    If there are no snapshots, or only those of other versions, the state stays empty, and the whole
    log is folded. Raises `LogError` if no snapshot fits and one belongs to another log, because to
    fold this log instead would silently drop what was learnt. Raises `NewerSnapshotError` if newer
    code wrote a snapshot, because its work must not be undone.
    """
    not_fitting: list[tuple[Path, Fit]] = []
    wrong: Path | None = None
    for path, header, arrays in folder.readable():
        verdict = check(header)
        if verdict is Fit.NEWER:
            raise made_by_newer(path.name, f"fold version {header.fold_version}", FOLD_VERSION)
        if verdict is Fit.FITS:
            fold.load(header.summary, arrays)
            if fold.digest() == header.digest:
                _set_aside(folder, not_fitting)
                fold.record_hash = header.record_hash
                return
            folder.set_aside(path, "gives another digest than it was written with")
            wrong = path
        else:
            not_fitting.append((path, verdict))
    if wrong is not None:
        raise SnapshotError(
            f"Snapshot {wrong.name} gives another digest than it was written with.",
            "Start again: without that snapshot the log is folded from its start.",
        )
    if any(verdict is Fit.BEFORE_LOG for _, verdict in not_fitting):
        raise LogError(
            f"The learning-log begins beyond the end of every snapshot in {folder.folder}: "
            "records in between were deleted.",
            "Restore the log, or a newer snapshot, and keep these: nothing else has what they "
            "learnt. `echotune reset` begins anew without it (it deletes all data, and asks).",
        )
    if any(verdict is Fit.OTHER_LOG for _, verdict in not_fitting):
        raise LogError(
            f"No snapshot in {folder.folder} belongs to this learning-log.",
            "Restore the log. Only if it was recreated on purpose, run "
            "`echotune reset --snapshots`, which deletes what was learnt from the former log.",
        )
    _set_aside(
        folder, not_fitting
    )  # otherwise pruning would delete the new ones, which have smaller offsets


def _set_aside(folder: SnapshotFolder, not_fitting: list[tuple[Path, Fit]]) -> None:
    for path, verdict in not_fitting:
        folder.set_aside(path, verdict.value)
