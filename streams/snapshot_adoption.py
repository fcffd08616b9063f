"""A recommender whose M is new begins from a snapshot of those that were before it.

Every shard of a generation has the same state, so any of their snapshots would do, but for one
thing: whoever was erased is no longer in it, and the list is for their shard to remove. A shard
keeps no snapshot while it owes a removal. So a snapshot that ends where the newest one of the
shard that is furthest behind does, or before, has forgotten nobody whose list is still there.
"""

import shutil
from collections import defaultdict
from pathlib import Path

import structlog

from streams.recommender_identity import RecommenderIdentity
from streams.stores.snapshot_folder import SnapshotFolder

_log = structlog.get_logger(__name__)


def adopt(own: SnapshotFolder) -> None:
    """Puts a snapshot of former shards beside one's own if it is newer; never takes one away."""
    found = _best(own.folder)
    if found is None or any(each.name >= found.name for each in own.paths()):
        return
    own.folder.mkdir(parents=True, exist_ok=True)
    part = own.folder / f"{found.name}.adopted"
    try:
        shutil.copyfile(found, part)
        part.replace(own.folder / found.name)
        _log.info("snapshot adopted", snapshot=str(found))
    except OSError:  # pruned meanwhile, or no room: the log is folded from further back
        part.unlink(missing_ok=True)


def _best(own: Path) -> Path | None:
    """The newest of those that each M's furthest behind shard kept last."""
    shards: dict[int, dict[int, Path]] = defaultdict(dict)
    mine = RecommenderIdentity.parsed(own.name)
    for folder in own.parent.glob("*of*"):
        it = RecommenderIdentity.parsed(folder.name)
        newest = SnapshotFolder(folder, keep=1).paths()[:1]
        if mine and it and it.family == mine.family and newest:
            shards[it.shards][it.shard] = newest[0]
    complete = (each.values() for many, each in shards.items() if len(each) == many)
    behind = [min(each, key=lambda path: path.name) for each in complete]
    return max(behind, key=lambda path: path.name, default=None)
