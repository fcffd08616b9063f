"""Where a recommender's state comes from and where it is kept: snapshots tied to their log."""

import asyncio
import time
from collections.abc import Callable

import structlog

from streams.folding.fold import Fold
from streams.folding.fold_state import FOLD_VERSION
from streams.folding.log_position import Digest
from streams.folding.state_copy import Room, copied
from streams.kafka.log_reader import LogReader, ReadLog
from streams.snapshots.adoption import adopt
from streams.snapshots.array_room import room_for, sizes_of
from streams.snapshots.loading import Fit, fit, load_newest
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import Arrays, SnapshotHeader
from topics.errors import LogError, SnapshotError

_log = structlog.get_logger(__name__)


class StateKeeper:
    """Loads one fold's state, keeps it in snapshots, and knows its newest digest."""

    def __init__(
        self,
        fold: Fold,
        snapshots: SnapshotFolder,
        *,
        read_log: ReadLog,
        configuration: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fold = fold
        self._snapshots = snapshots
        self._configuration = configuration
        self._read_log = read_log
        self._clock = clock
        self._log_topic_id = ""
        self._kept_at = clock()
        self._writing: asyncio.Task[None] | None = None
        self.digest = Digest()
        self.kept_offset = -1
        self.held_ms = 0.0
        """For how long the newest snapshot let nothing else happen."""
        self.error: str | None = None

    def load_or_check(self) -> None:
        """Loads the state the first time, and later makes sure that the log still holds it.

        Blocks; one call at a time. Raises `LogError` where the log is not the one that the state
        was folded from, and `ServerError` while Kafka is away: then this may be called again.
        """
        with self._read_log() as reader:
            if self._fold.offset < 0:
                self._load(reader)
            else:
                self._check(reader)

    def _load(self, reader: LogReader) -> None:
        self._log_topic_id = reader.topic_id()
        bounds = reader.bounds()
        adopt(self._snapshots)
        load_newest(self._fold, self._snapshots, lambda header: self._judge(header, reader))
        self.kept_offset = self._fold.offset
        self.take_digest()
        if bounds.start > self._fold.offset + 1:
            raise LogError(
                f"The learning-log begins at {bounds.start}, "
                f"the state ends at {self._fold.offset}.",
                "Records are gone for ever: restore the log, or `echotune reset`.",
            )
        _log.info("state ready", offset=self._fold.offset, log_end=bounds.end)

    def _judge(self, header: SnapshotHeader, reader: LogReader) -> Fit:
        return fit(header, self._configuration, self._log_topic_id, reader.hash_at)

    def _check(self, reader: LogReader) -> None:
        if reader.hash_at(self._fold.offset) != self._fold.record_hash:
            raise LogError(
                f"The learning-log changed at {self._fold.offset} while this was on standby.",
                "Start this recommender again: it begins from a snapshot that fits.",
            )

    def take_digest(self) -> None:
        """Notes the state's digest at its place in the log."""
        if self.digest.offset != self._fold.offset:
            self.digest = Digest(self._fold.digest(), self._fold.offset)

    def is_due(self, every_s: float) -> bool:
        """Whether the last snapshot was tried so long ago."""
        return self._clock() - self._kept_at >= every_s

    async def keep(self) -> None:
        """Writes a snapshot if anything was folded since; a full disk is said, not fatal.

        Who waits may be cancelled, as a heartbeat is when its worker ends: the snapshot under way
        is not, and the next one waits for it, since either would remove what the other has not
        finished.
        """
        await self._written()
        if self._fold.offset == self.kept_offset or self._fold.offset < 0:
            self._kept_at = self._clock()
            return
        room = await asyncio.to_thread(room_for, sizes_of(self._fold.views()))
        self._kept_at = self._clock()
        self._writing = asyncio.create_task(self._write(*self._copy(room)))
        await self._written()

    async def _written(self) -> None:
        """Waits until the snapshot under way is written, or has failed to be."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write(self, header: SnapshotHeader, arrays: Arrays) -> None:
        try:
            await asyncio.to_thread(self._snapshots.write, header, arrays)
            self.kept_offset, self.error = header.offset, None
            _log.info("snapshot", offset=header.offset, held_ms=round(self.held_ms, 1))
        except SnapshotError as error:
            self.error = str(error)
            _log.error("snapshot failed", error=self.error)

    def _copy(self, room: Room) -> tuple[SnapshotHeader, Arrays]:
        """The state at one place in the log: nothing else may happen meanwhile."""
        began = self._clock()
        self.take_digest()
        header, arrays = self._header(), copied(self._fold.views(), room)
        self.held_ms = (self._clock() - began) * 1000
        return header, arrays

    def _header(self) -> SnapshotHeader:
        return SnapshotHeader(
            fold_version=FOLD_VERSION,
            configuration=self._configuration,
            log_topic_id=self._log_topic_id,
            record_hash=self._fold.record_hash,
            digest=self.digest.value or "",
            summary=self._fold.summary(),
        )
