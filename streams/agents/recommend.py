"""The recommender: folds the learning-log and publishes the lists that changed.

For each chunk of log records it folds every record, ranks each changed listener once, as of the
last record, and publishes the lists. The state is loaded from a snapshot and is regularly written
to a new one. Heartbeats publish how far the fold has come. An unexpected error stops the worker
before anything more is acknowledged; a restart is always safe.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from streams.folding.fold import Fold
from streams.heartbeats.heartbeat_writer import HeartbeatWriter, progress_of
from streams.kafka.voided_records import DecodeLog, decoded_without_voids
from streams.monitoring.drift_alarms import DriftAlarmPublisher, drift_status
from streams.monitoring.latest_play import LatestPlay
from streams.ownership.ownership import Ownership
from streams.publishing.publisher import Publisher
from streams.snapshots.state_keeper import StateKeeper
from topics.errors import LogError
from topics.learning_log import record_hash

LEFT_OUT_SHOWN_MAX = 20
"""Maximum number of listeners that the status names as left out."""


@dataclass(frozen=True)
class Identity:
    """The id of a recommender (shard i of M), and the generation whose lists it makes."""

    recommender_id: str
    generation: str
    learn_until: int | None = None
    """The last log offset that the generation folds; None if there is no such offset."""


@dataclass(frozen=True)
class Cadence:
    """Intervals of the recommender's periodic work, in seconds and in log records."""

    progress_every_s: float
    snapshot_every_s: float
    digest_every_records: int


class BackgroundTasks:
    """Work that may take longer than a heartbeat. At most one task of each kind runs at a time."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def run(self, kind: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Starts `work` unless its kind is running; raises the error of the previous task."""
        task = self._tasks.get(kind)
        if task is not None and not task.done():
            return
        if task is not None:
            task.result()
        self._tasks[kind] = asyncio.create_task(work())

    async def cancel(self) -> None:
        """Cancels all tasks, and waits until they have ended."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


class Recommender:
    """Keeps one fold up to date with the log; all methods run on the worker's event loop."""

    def __init__(
        self,
        identity: Identity,
        cadence: Cadence,
        *,
        fold: Fold,
        publisher: Publisher,
        ownership: Ownership,
        state: StateKeeper,
        progress: HeartbeatWriter,
        latest_play: LatestPlay | None = None,
        alarms: DriftAlarmPublisher | None = None,
    ) -> None:
        self.identity = identity
        self._cadence = cadence
        self.fold = fold
        self.publisher = publisher
        self.ownership = ownership
        self._state = state
        self._progress = progress
        self._latest_play = latest_play or LatestPlay()
        self._alarms = alarms
        self.decode: DecodeLog = decoded_without_voids
        """How records are decoded; a worker sets the one that knows what is void."""
        self._background = BackgroundTasks()
        self._told_digest_at = -1
        """Log offset of the digest in the last heartbeat."""

    async def begin(self) -> int:
        """Loads the state and takes over, once per ownership; returns the next offset to read."""
        await self.ownership.load()
        if self._alarms is not None:
            self._alarms.begin(self.fold)
        self.ownership.take_over()
        return self.fold.offset + 1

    # -- folding -----------------------------------------------------------------------------

    async def learn(self, records: Sequence[Any]) -> None:
        """Folds a chunk of log records (offset, timestamp, value); publishes the changed lists."""
        if (last := self.identity.learn_until) is not None:
            records = [each for each in records if each.offset <= last]
            if not records:
                return
        for part in self._up_to_digests(records):
            self._fold_in(part)
        self.ownership.compare(records)
        await self._publish()

    async def _publish(self) -> None:
        """Publishes; whom another generation fenced in the topic takes over in its new role."""
        topic = self.publisher.topic
        try:
            await self.publisher.publish()
        except LogError:
            is_another = await self.ownership.follow_plan(is_fenced=True)
            if not is_another and self.publisher.topic is topic:
                raise

    def _up_to_digests(self, records: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Splits `records` after each record at which a digest is due."""
        every = self._cadence.digest_every_records
        ends = [at for at, each in enumerate(records, 1) if (each.offset + 1) % every == 0]
        for start, end in pairwise(sorted({0, *ends, len(records)})):
            yield records[start:end]

    def _fold_in(self, records: Sequence[Any]) -> None:
        values = [(each.offset, each.value) for each in records]
        decoded = list(self.decode(values, self.fold.offset + 1))
        last = records[-1]
        change = self.publisher.learn(decoded, record_hash(last.value, last.timestamp))
        if len(change.listeners) or change.erased:
            for _, record in decoded:
                self._latest_play.note(record)
        if (last.offset + 1) % self._cadence.digest_every_records == 0:
            self._state.take_digest()

    # -- heartbeats --------------------------------------------------------------------------

    async def heartbeat(self) -> None:
        """One heartbeat: progress, a digest if idle, repair of Redis, a snapshot if one is due."""
        before = self.fold.offset
        await asyncio.sleep(self._cadence.progress_every_s)
        if not self.ownership.has_loaded:
            return
        if await self._has_another_role():
            return
        if self.ownership.waits_for:  # a heartbeat would make this process look alive
            return
        if self.fold.offset == before:
            self._state.take_digest()
        if not self._has_ended:
            self._write_progress()
        self._publish_alarms()
        self._background.run("repair", self.publisher.repair_redis)
        await self.ownership.start_epoch_if_shut()
        if self._state.is_due(self._cadence.snapshot_every_s):
            self._background.run("snapshot", self._state.write_snapshot)

    @property
    def _has_ended(self) -> bool:
        """Whether the last heartbeat there will be is written: sequencers would see a stall."""
        return self._state.digest.offset == self._told_digest_at == self.identity.learn_until

    async def _has_another_role(self) -> bool:
        """Follows the plan; raises if this process was fenced, and not by another generation."""
        if await self.ownership.follow_plan():
            return True
        try:
            self.ownership.check()
        except LogError:
            if not await self.ownership.follow_plan(is_fenced=True):
                raise
            return True
        return False

    def _write_progress(self) -> None:
        self._told_digest_at = self._state.digest.offset
        self._progress.write(
            progress_of(
                self.fold,
                self._state.digest,
                recommender_id=self.identity.recommender_id,
                generation=self.identity.generation,
            )
        )

    def _publish_alarms(self) -> None:
        if self._alarms is not None and self.ownership.is_owner:
            self._alarms.publish_new(self.fold)

    async def end(self, *, is_kept: bool = True) -> None:
        """Writes a snapshot and a last heartbeat, so that a restart folds no record again.

        Neither is written unless `is_kept`: nothing is to stay of a retired generation.
        """
        if not self.ownership.has_loaded:
            return
        self.ownership.end()
        await self._background.cancel()
        await self.publisher.redis.wait_until_written()
        await asyncio.to_thread(self.publisher.topic.close)
        if is_kept:
            await self._state.write_snapshot()
            self._state.take_digest()
            self._write_progress()
        await asyncio.to_thread(self._progress.close)
        if self._alarms is not None:
            self._publish_alarms()
            await asyncio.to_thread(self._alarms.close)

    # -- status ------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """The worker's status for operators: JSON values with stable names."""
        fold, publisher, state = self.fold, self.publisher, self._state
        return {
            "recommender_id": self.identity.recommender_id,
            "standby": not self.ownership.is_owner,
            "waits_for": self.ownership.waits_for,
            "generation": self.identity.generation,
            "as_of": fold.offset,
            "log_epoch": fold.log_epoch,
            "applied": fold.applied,
            "counts": dict(fold.counts),
            "masked": fold.masked.by_source(),
            "unchecked_duplicates": fold.duplicates.unchecked,
            "listeners": len(fold.listeners),
            "tracks": len(fold.ranker.items),
            "quality": fold.quality.summary(),
            "baseline": fold.baseline_quality.summary(),
            "drift": drift_status(fold.quality.drift),
            "latest": self._latest_play.names,
            "catalogue": self._latest_play.catalogue_status(),
            "freshness_ms": publisher.freshness.percentiles(),
            "digest": state.digest.value,
            "digest_offset": state.digest.offset,
            "publishing": publisher.is_open,
            "topic_as_of": publisher.topic.published.as_of,
            "redis_error": publisher.redis.error,
            "redis_left_out": publisher.redis.left_out[:LEFT_OUT_SHOWN_MAX],
            "schema_registry_error": publisher.topic.schema_registry_error,
            "snapshot_offset": state.snapshot_offset,
            "snapshot_held_ms": state.held_ms,
            "snapshot_error": state.error,
        }
