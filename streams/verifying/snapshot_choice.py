"""Finds the snapshots between which `echotune verify` folds the log anew."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from streams.folding.fold import Fold
from streams.generation.fold_factory import configuration_of
from streams.kafka.log_reader import LogReader
from streams.settings import Settings
from streams.snapshots.loading import Fit, snapshot_fit
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import SnapshotHeader, unpacked
from topics.errors import SettingsError, SnapshotError


class Snapshot(NamedTuple):
    """A snapshot of this log and this configuration."""

    header: SnapshotHeader
    arrays: dict[str, NDArray[Any]]

    def load_into(self, fold: Fold) -> None:
        """Loads the state; raises `SnapshotError` if it is not the one that was written."""
        fold.load(self.header.summary, self.arrays)
        if fold.digest() != self.header.digest:
            raise SnapshotError(
                f"The snapshot at log offset {self.header.offset:,} gives another digest than it "
                "was written with.",
                "Verify from the start of the log: leave --from out.",
            )
        fold.record_hash = self.header.record_hash


def snapshot_at(settings: Settings, reader: LogReader, offset: int) -> Snapshot:
    """The snapshot of a recommender at a log offset.

    Raises `SettingsError` if there is none, and `SnapshotError` if it cannot be used.
    """
    folder = SnapshotFolder(
        settings.home / "snapshots" / settings.recommender_id, keep=settings.snapshots_kept
    )
    paths = {int(path.stem): path for path in folder.paths()}
    if offset not in paths:
        known = ", ".join(f"{each}" for each in sorted(paths)) or "none"
        raise SettingsError(
            f"{settings.recommender_id} has no snapshot at log offset {offset}.",
            f"Snapshots are at: {known} (in {folder.folder}).",
        )
    try:
        content = paths[offset].read_bytes()
    except OSError as error:
        raise SnapshotError(
            f"{paths[offset]} cannot be read: {error.strerror}.", "Name another snapshot."
        ) from error
    snapshot = Snapshot(*unpacked(content, paths[offset].name))
    fit = snapshot_fit(
        snapshot.header, configuration_of(settings), reader.topic_id(), reader.hash_at
    )
    if fit is not Fit.FITS:
        raise SnapshotError(
            f"The snapshot at log offset {offset} is {fit.value}.", "Name another snapshot."
        )
    return snapshot
