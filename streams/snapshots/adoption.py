"""A recommender whose M is new begins from a snapshot of those that were before it.

Every shard of a generation has the same state, so any of their snapshots will do: the newest, or
one before it where that is damaged, or of a tail that the log has lost.
"""

import shutil
from contextlib import suppress
from pathlib import Path

import structlog

from streams.recommender_identity import RecommenderIdentity
from streams.snapshots.snapshot_folder import SnapshotFolder

_log = structlog.get_logger(__name__)


def adopt(own: SnapshotFolder) -> None:
    """Puts the newest snapshots of any M beside one's own, as many as are kept; takes none away."""
    for path in _newest(own.folder, own.keep):
        if path.parent != own.folder:
            _copy(path, own.folder)


def _newest(own: Path, most: int) -> list[Path]:
    """The newest snapshots of the same generation, of each place in the log one."""
    mine = RecommenderIdentity.parsed(own.name)
    folders = [own]
    for each in own.parent.glob("*of*"):
        it = RecommenderIdentity.parsed(each.name)
        folders += [each] if mine and it and it.is_former_of(mine) else []
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
    except OSError as error:  # pruned meanwhile, or no room: the log is folded from further back
        _log.warning("snapshot not adopted", snapshot=str(path), error=str(error))
        with suppress(OSError):
            part.unlink()
