"""Loads a recommender's state from snapshots that belong to its log, and writes new ones."""

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
from streams.snapshots.array_buffers import preallocate, sizes_of
from streams.snapshots.loading import Fit, load_newest, snapshot_fit
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import Arrays, SnapshotHeader
from topics.errors import LogError, SnapshotError

_log = structlog.get_logger(__name__)


class StateKeeper:
    """Loads one fold's state, writes it to snapshots, and holds its newest digest.

    It has more than 10 attributes because four of them are what the status shows of snapshots.
    """

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
        self._last_attempt_at = clock()
        self._writing: asyncio.Task[None] | None = None
        self.digest = Digest()
        self.snapshot_offset = -1
        """Log offset of the newest snapshot; -1 without one."""
        self.held_ms = 0.0
        """How long the newest snapshot blocked the event loop, in ms."""
        self.error: str | None = None

    def load_or_check(self) -> None:
        """Loads the state at the first call; later calls check that it still belongs to the log.

        Blocks; one call at a time. Raises `LogError` if the log is not the one that the state was
        folded from. Raises `ServerError` while Kafka is unavailable; the call may be repeated.
        """
        with self._read_log() as reader:
            if self._fold.offset < 0:
                self._load(reader)
            else:
                self._check_log(reader)

    def _load(self, reader: LogReader) -> None:
        self._log_topic_id = reader.topic_id()
        bounds = reader.bounds()

        def fit(header: SnapshotHeader) -> Fit:
            return self._check_fit(header, reader, bounds.start)

        adopt(self._snapshots, lambda header: fit(header) is Fit.FITS)
        load_newest(self._fold, self._snapshots, fit)
        self.snapshot_offset = self._fold.offset
        self.take_digest()
        if bounds.start > self._fold.offset + 1:
            raise LogError(
                f"The learning-log begins at {bounds.start}, "
                f"the state ends at {self._fold.offset}.",
                "Restore the log, or a snapshot that reaches its beginning. `echotune reset` "
                "begins anew without what is missing: it deletes all data, and asks first.",
            )
        _log.info("state ready", offset=self._fold.offset, log_end=bounds.end)

    def _check_fit(self, header: SnapshotHeader, reader: LogReader, log_start: int) -> Fit:
        return snapshot_fit(
            header, self._configuration, self._log_topic_id, reader.hash_at, log_start
        )

    def _check_log(self, reader: LogReader) -> None:
        if reader.bounds().start == self._fold.offset + 1:
            return  # that record was deleted, and no later one
        if reader.hash_at(self._fold.offset) != self._fold.record_hash:
            raise LogError(
                f"The learning-log changed at {self._fold.offset} during standby.",
                "Start this recommender again: it begins from a snapshot that fits.",
            )

    def take_digest(self) -> None:
        """Computes the digest of the state at its log offset, unless it is known."""
        if self.digest.offset != self._fold.offset:
            self.digest = Digest(self._fold.digest(), self._fold.offset)

    def is_due(self, every_s: float) -> bool:
        """Whether the last attempt to write a snapshot was at least `every_s` ago."""
        return self._clock() - self._last_attempt_at >= every_s

    async def write_snapshot(self) -> None:
        """Writes a snapshot if the fold has advanced since the last one.

        A full disk is logged and is not fatal. The waiting task may be cancelled, for example when
        its worker ends. The snapshot in progress continues, and the next one waits for it, because
        each would otherwise delete the unfinished file of the other.
        """
        await self._written()
        if self._fold.offset == self.snapshot_offset or self._fold.offset < 0:
            self._last_attempt_at = self._clock()
            return
        buffers = await asyncio.to_thread(preallocate, sizes_of(self._fold.views()))
        self._last_attempt_at = self._clock()
        self._writing = asyncio.create_task(self._write(*self._copy(buffers)))
        await self._written()

    async def _written(self) -> None:
        """Waits until the snapshot in progress is written, or has failed."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write(self, header: SnapshotHeader, arrays: Arrays) -> None:
        try:
            await asyncio.to_thread(self._snapshots.write, header, arrays)
            self.snapshot_offset, self.error = header.offset, None
            _log.info("snapshot", offset=header.offset, held_ms=round(self.held_ms, 1))
        except SnapshotError as error:
            self.error = str(error)
            _log.error("snapshot failed", error=self.error)

    def _copy(self, buffers: Room) -> tuple[SnapshotHeader, Arrays]:
        """Copies the state at one log offset; blocks the event loop."""
        began = self._clock()
        self.take_digest()
        header, arrays = self._header(), copied(self._fold.views(), buffers)
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
