"""After resharding, a recommender of the new M starts from a snapshot of a former shard.

Every shard of a generation has the same state, so a snapshot of any shard can be used. Older ones
are copied, too, in case the newest is damaged, or is of a tail that the log has lost.
"""

import shutil
from contextlib import suppress
from pathlib import Path

import structlog

from streams.recommender_identity import RecommenderIdentity
from streams.snapshots.snapshot_folder import SnapshotFolder

_log = structlog.get_logger(__name__)


def adopt(own: SnapshotFolder) -> None:
    """Copies the newest snapshots of any M into `own`, up to the number kept; deletes nothing."""
    for path in _newest(own.folder, own.keep):
        if path.parent != own.folder:
            _copy(path, own.folder)


def _newest(own: Path, most: int) -> list[Path]:
    """The newest snapshots of the same generation, one per log offset."""
    mine = RecommenderIdentity.parsed(own.name)
    folders = [own]
    for each in own.parent.glob("*of*"):
        other = RecommenderIdentity.parsed(each.name)
        folders += [each] if mine and other and other.is_former_of(mine) else []
    found = {
        path.name: path
        for each in reversed(folders)
        for path in SnapshotFolder(each, keep=most).paths()
    }
    return [found[name] for name in sorted(found, reverse=True)[:most]]


def _copy(path: Path, folder: Path) -> None:
    part = folder / f"{path.name}.adopted"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, part)
        part.replace(folder / path.name)
        _log.info("snapshot adopted", snapshot=str(path))
    except OSError as error:  # pruned, or the disk is full: an older snapshot is used
        _log.warning("snapshot not adopted", snapshot=str(path), error=str(error))
        with suppress(OSError):
            part.unlink()
