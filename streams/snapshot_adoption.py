"""A recommender whose M is new begins from a snapshot of those that were before it.

Every shard of a generation has the same state, so any of their snapshots will do: the newest.
"""

import shutil
from contextlib import suppress
from pathlib import Path

import structlog

from streams.recommender_identity import RecommenderIdentity
from streams.stores.snapshot_folder import SnapshotFolder

_log = structlog.get_logger(__name__)


def adopt(own: SnapshotFolder) -> None:
    """Puts a snapshot of former shards beside one's own if it is newer; never takes one away."""
    found = _newest(own.folder)
    if found is None or any(each.name >= found.name for each in own.paths()):
        return
    part = own.folder / f"{found.name}.adopted"
    try:
        own.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, part)
        part.replace(own.folder / found.name)
        _log.info("snapshot adopted", snapshot=str(found))
    except OSError as error:  # pruned meanwhile, or no room: the log is folded from further back
        _log.warning("snapshot not adopted", snapshot=str(found), error=str(error))
        with suppress(OSError):
            part.unlink()


def _newest(own: Path) -> Path | None:
    """The newest snapshot of the same generation and any M."""
    mine = RecommenderIdentity.parsed(own.name)
    others = [(RecommenderIdentity.parsed(each.name), each) for each in own.parent.glob("*of*")]
    newest = [
        path
        for it, folder in others
        if mine and it and it.family == mine.family
        for path in SnapshotFolder(folder, keep=1).paths()[:1]
    ]
    return max(newest, key=lambda path: path.name, default=None)
