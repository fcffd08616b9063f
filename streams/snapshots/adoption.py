"""A recommender starts from a snapshot of another one on this disk that has an equal state.

That is a former shard after resharding, because every shard of a generation has the same state; or
one of another generation that folds the log alike and only makes other lists: it is caught up in
seconds. Older snapshots are taken, too, in case the newest is damaged, or is of a tail that the log
has lost.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import structlog

from streams.recommender_identity import RecommenderIdentity
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import SnapshotHeader, header_in
from topics.errors import SnapshotError

_LOOKED_AT_MAX = 20
"""Number of other generations' snapshots whose headers are read, newest first."""

_log = structlog.get_logger(__name__)


def adopt(own: SnapshotFolder, fits: Callable[[SnapshotHeader], bool]) -> None:
    """Puts the newest snapshots with an equal state into `own`, up to the number kept.

    Those of another generation have to fit this log and this configuration. Deletes nothing.
    """
    former, others = _neighbours(own.folder)
    same = _by_name([own.folder, *former])
    theirs = (path for folder in others for path in SnapshotFolder(folder, keep=0).paths())
    newest = sorted(theirs, key=lambda path: path.name, reverse=True)
    unknown = (each for each in newest if each.name not in same)
    fitting = (each for each in islice(unknown, _LOOKED_AT_MAX) if _fits(each, fits))
    found = {each.name: each for each in islice(fitting, own.keep)} | same
    for path in _newest(found)[: own.keep]:
        if path.parent != own.folder:
            _take(path, own.folder)


def _newest(found: dict[str, Path]) -> list[Path]:
    return [found[name] for name in sorted(found, reverse=True)]


def _by_name(folders: Sequence[Path]) -> dict[str, Path]:
    """The snapshots, one per log offset, of which those in the first folder count first."""
    return {
        path.name: path
        for folder in reversed(folders)
        for path in SnapshotFolder(folder, keep=0).paths()
    }


def _neighbours(own: Path) -> tuple[list[Path], list[Path]]:
    """The folders of this generation's former shards, and those of other generations."""
    mine = RecommenderIdentity.parsed(own.name)
    known = {each: RecommenderIdentity.parsed(each.name) for each in own.parent.glob("*of*")}
    if mine is None:
        return [], []
    former = [each for each, its in known.items() if its and its.is_former_of(mine)]
    return former, [each for each, its in known.items() if its and its.family != mine.family]


def _fits(path: Path, fits: Callable[[SnapshotHeader], bool]) -> bool:
    try:
        with path.open("rb") as file:
            return fits(header_in(file, path.name))
    except (SnapshotError, OSError):  # damaged, of a newer version, or pruned: it is not needed
        return False


def _take(path: Path, folder: Path) -> None:
    part = folder / f"{path.name}.adopted"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _link_or_copy(path, part)
        part.replace(folder / path.name)
        _log.info("snapshot adopted", snapshot=str(path))
    except OSError as error:  # pruned, or the disk is full: an older snapshot is used
        _log.warning("snapshot not adopted", snapshot=str(path), error=str(error))
        with suppress(OSError):
            part.unlink()


def _link_or_copy(path: Path, to: Path) -> None:
    """A snapshot is never written to again, so both may share its bytes."""
    to.unlink(missing_ok=True)
    try:
        os.link(path, to)
    except OSError:  # a file system without links
        shutil.copyfile(path, to)
