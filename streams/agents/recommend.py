"""The recommender: folds the learning-log and publishes the lists that changed.

Per chunk of log records: fold each, then rank every listener that changed once, as of the last
record, and publish. Around that: the state begins from a snapshot, goes into a new one now and
then, and heartbeats say how far it has come. Any error that is not understood stops the worker
before anything is acknowledged; starting again is always safe.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import structlog

from streams.folding.fold import Changed, Fold, together
from streams.kafka.log_reader import ReadLog
from streams.kafka.log_writer import WriteLog
from streams.kafka.waiting import answered
from streams.lists.frontier import Frontier, Gate, Reached
from streams.monitoring.drift_alarms import DriftAlarmPublisher, drift_status
from streams.ownership.former_shards import FormerShards, shard_of
from streams.ownership.gate_opening import opening
from streams.ownership.takeover import fence_in_redis
from streams.progress.progress_writer import ProgressWriter, progress_of
from streams.publishing.publisher import Publisher
from streams.publishing.topic_writer import TopicWriter
from streams.snapshots.snapshot_format import record_hash
from streams.snapshots.state_keeper import StateKeeper
from streams.tracks.catalogue_feed import CatalogueFeed
from topics.control_records import LogEpochStarted
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord, decode_log_record

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Identity:
    """Who this recommender is, and whose lists it makes."""

    recommender_id: str
    generation: str


@dataclass
class Cadence:
    """How often the recommender does what is not per record; seconds, records."""

    progress_every_s: float
    snapshot_every_s: float
    digest_every_records: int


class LogEdge(NamedTuple):
    """How single records of the log are read and written, beside the stream of all of them."""

    read: ReadLog
    write: WriteLog


class Recommender:
    """Keeps one fold in step with the log; every method runs on the worker's event loop."""

    def __init__(
        self,
        identity: Identity,
        cadence: Cadence,
        *,
        log: LogEdge,
        former: FormerShards,
        fold: Fold,
        publisher: Publisher,
        topic: TopicWriter,
        state: StateKeeper,
        progress: ProgressWriter,
        feed: CatalogueFeed | None = None,
        alarms: DriftAlarmPublisher | None = None,
    ) -> None:
        self.identity = identity
        self._cadence = cadence
        self.fold = fold
        self._publisher = publisher
        self._topic = topic
        self._state = state
        self._progress = progress
        self._feed = feed
        self._alarms = alarms
        self._former = former
        self._waits_for: list[str] = []
        self._log = log
        self._latest: dict[str, str] = {}
        self._log_end = 0
        self._hashes: dict[int, str] = {}
        """Of the records up to which lists are published, by offset, until they are folded."""
        self.is_owner = False
        self._has_begun = False
        self._loading: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._looking_after: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    # -- ownership ---------------------------------------------------------------------------

    def on_assigned(self, is_owner: bool) -> None:
        """Notes whether this process owns the log; who owned it and lost it is on standby again."""
        if not is_owner:
            _log.info("on standby: another process has this identity", who=self.identity)
        if self.is_owner and not is_owner:
            self._lose()
        self.is_owner = is_owner

    def _lose(self) -> None:
        """Publishes no more: whoever took over may be further, and fenced this one."""
        if self._opening is not None:
            self._opening.cancel()
        self._has_begun, self._opening = False, None
        self._let_go()

    def _let_go(self) -> None:
        self._topic.abandon()
        self._topic = self._topic.renewed()
        self._publisher.shut(self._topic)

    async def begin(self) -> int:
        """Makes the state ready, once an ownership; returns the log offset to go on from."""
        if not self._has_begun:
            self._has_begun = True
            self._loading = asyncio.create_task(self._make_ready(self._loading))
        assert self._loading is not None
        await asyncio.shield(self._loading)
        if self._alarms is not None:
            self._alarms.begin(self.fold)
        if self._opening is None:
            self._opening = asyncio.create_task(self._open_gate())
        return self.fold.offset + 1

    async def _make_ready(self, before: asyncio.Task[None] | None) -> None:
        """Loads the state; who got the log back while it still loads, only after that."""
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        await answered(self._state.make_ready)

    async def _open_gate(self) -> None:
        """Learns all frontiers, waiting for Redis as long as it takes, and sets the gate."""
        former, redis, topic = await self._taken_over()
        found = await answered(lambda: opening(self._log.read, self.fold, redis, topic, former))
        self._log_end, self._hashes = found.log_end, dict(found.hashes)
        self._publisher.open_with(found.gate, former)
        if (self.fold.log_epoch, self._log_end - 1) < found.gate.opens_at:
            _log.info("publishing waits for the frontier", gate=found.gate.opens_at)

    async def _taken_over(self) -> tuple[list[Reached], Frontier, Frontier]:
        """Takes over, and from recommenders of another M, too: where they, and both stores, are.

        Who froze before it had taken over may find that others have silenced it, and publish: then
        it looks anew, and waits for their end.
        """
        retry_s = self._cadence.progress_every_s
        while True:
            known = await self._publisher.redis.asked(lambda lists: lists.frontier(), retry_s)
            ids = await self._alone()
            redis, topic = await self._publisher.take_over(retry_s)
            if redis.owner == known.owner:
                return await self._fence_former(ids), redis, topic
            _log.info("another one has taken over meanwhile; looking anew", who=self.identity)
            self._let_go()

    async def _alone(self) -> list[str]:
        """Waits for the end of recommenders of another M; who they were."""
        ids = await answered(self._former.ids)
        while heard := await answered(lambda: self._former.alive(ids)):
            if heard != self._waits_for:
                _log.warning("recommenders of another M still run: stop them", who=heard)
            self._waits_for = heard
        self._waits_for = []
        return ids

    async def _fence_former(self, ids: Sequence[str]) -> list[Reached]:
        """Takes both stores from `ids`; up to where they published.

        Redis is claimed by then: whatever it forgets from here on, it forgets the claim, too. And
        it comes first: who takes over between it and the topic is fenced there.
        """
        found = await answered(lambda: self._former.frontiers(ids))
        owners = {shard_of(each): at.owner for each, at in zip(ids, found, strict=True)}
        in_redis = await fence_in_redis(
            self._publisher.redis, owners, self._cadence.progress_every_s
        )
        return [*map(Reached, in_redis, await answered(lambda: self._former.fence(ids)))]

    # -- folding -----------------------------------------------------------------------------

    async def learn(self, records: Sequence[Any]) -> None:
        """Folds a chunk of log records (offset, timestamp, value); publishes what it changed."""
        changes = [self._fold_in(some) for some in self._up_to_digests(records)]
        if records[-1].offset == self.fold.offset:  # else it was folded before
            self.fold.record_hash = record_hash(records[-1].value, records[-1].timestamp)
        self._notice_another_log(records)
        await self._publisher.publish(together(changes))

    def _notice_another_log(self, records: Sequence[Any]) -> None:
        """Shuts the gate where the log lost its tail, and grew again, while this folds up to it."""
        for each in records if self._hashes else ():
            published, gate = self._hashes.pop(each.offset, None), self._publisher.gate
            if published is None or gate is None:
                continue
            if record_hash(each.value, each.timestamp) != published:
                beyond = (self.fold.log_epoch + 1, -1)
                self._publisher.open_with(Gate(max(gate.opens_at, beyond), -1))

    def _up_to_digests(self, records: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """`records` in pieces that end where a digest is due."""
        every = self._cadence.digest_every_records
        ends = [at for at, each in enumerate(records, 1) if (each.offset + 1) % every == 0]
        for start, end in pairwise([0, *ends, len(records)]):
            yield records[start:end]

    def _fold_in(self, records: Sequence[Any]) -> Changed:
        decoded = [(each.offset, decode_log_record(each.value, each.offset)) for each in records]
        change = self.fold.apply_many(decoded)
        if len(change.listeners):
            for _, record in decoded:
                self._note(record)
        if records and (records[-1].offset + 1) % self._cadence.digest_every_records == 0:
            self._state.take_digest()
        return change

    def _note(self, batch: LogRecord) -> None:
        """Remembers what people like to see: names of tracks, and who played what last."""
        if not isinstance(batch, LearningBatch) or not len(batch):
            return
        if self._feed is not None:
            self._feed.offer(batch)
        listener, track = batch.columns["listeners"][-1], batch.columns["tracks"][-1]
        if track >= 0:
            names = {"listener_id": batch.strings[listener], "track_id": batch.strings[track]}
            self._latest = names

    # -- heartbeats --------------------------------------------------------------------------

    async def beat(self) -> None:
        """One heartbeat: progress, a digest when idle, repair of Redis, a snapshot when due."""
        before = self.fold.offset
        await asyncio.sleep(self._cadence.progress_every_s)
        if self._opening is None:
            return
        if self._opening.done():
            self._opening.result()
        if self._waits_for:  # not to be heard itself
            return
        if self.fold.offset == before:
            self._state.take_digest()
        self._write_progress()
        self._tell_alarms()
        self._topic.check()
        self._looking_after = _beside(self._looking_after, self._publisher.look_after)
        await self._start_epoch_if_shut()
        if self._state.is_due(self._cadence.snapshot_every_s):
            self._keeping = _beside(self._keeping, self._state.keep)

    def _write_progress(self) -> None:
        self._progress.write(
            progress_of(
                self.fold,
                self._state.digest,
                recommender_id=self.identity.recommender_id,
                generation=self.identity.generation,
            )
        )

    def _tell_alarms(self) -> None:
        if self._alarms is not None and self.is_owner:
            self._alarms.tell(self.fold)

    async def _start_epoch_if_shut(self) -> None:
        """Starts a log epoch where lists of a lost tail are published, which shuts the gate."""
        gate = self._publisher.gate
        if gate is None or self._publisher.is_open:
            return
        self._log_end = min(self._log_end, await answered(self._end_of_log))
        if self._publisher.gate is not gate or self.fold.offset + 1 < self._log_end:
            return
        epoch = max(gate.opens_at[0], self.fold.log_epoch) + 1
        reason = f"lists up to {gate.opens_at} were published, the log ends at {self.fold.offset}"
        _log.warning("learning-log lost its tail; a new epoch begins", epoch=epoch, reason=reason)
        started = LogEpochStarted(epoch, reason)
        beyond = Gate((epoch, -1), -1)
        self._publisher.open_with(beyond)  # before the record is folded, which opens what is shut

        def write() -> None:
            if self._publisher.gate == beyond:  # else ownership was lost meanwhile: begin anew
                self._log_end = 1 + self._log.write(started)

        await answered(write)

    def _end_of_log(self) -> int:
        """Where the log ends now: it may lose its tail while this waits for its gate."""
        with self._log.read() as reader:
            return reader.bounds().end

    async def end(self) -> None:
        """Leaves a snapshot and a last heartbeat behind, so that a restart repeats nothing."""
        if self._opening is None:
            return
        self._opening.cancel()
        for each in filter(None, (self._looking_after, self._keeping)):
            each.cancel()
            await asyncio.gather(each, return_exceptions=True)
        await self._publisher.redis.settled()
        await asyncio.to_thread(self._topic.close)
        await self._state.keep()
        self._state.take_digest()
        self._write_progress()
        await asyncio.to_thread(self._progress.close)
        if self._alarms is not None:
            self._tell_alarms()
            await asyncio.to_thread(self._alarms.close)

    # -- status ------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """What operators see; JSON values with stable names."""
        fold, publisher = self.fold, self._publisher
        return {
            "recommender_id": self.identity.recommender_id,
            "standby": not self.is_owner,
            "waits_for": self._waits_for,
            "generation": self.identity.generation,
            "as_of": fold.offset,
            "log_epoch": fold.log_epoch,
            "applied": fold.applied,
            "counts": dict(fold.counts),
            "unchecked_duplicates": fold.duplicates.unchecked,
            "listeners": len(fold.listeners),
            "tracks": len(fold.ranker.items),
            "quality": fold.quality.summary(),
            "baseline": fold.baseline_quality.summary(),
            "drift": drift_status(fold.quality.drift),
            "latest": self._latest,
            "catalogue": self._feed.status() if self._feed else None,
            "freshness_ms": publisher.freshness.percentiles(),
            "digest": self._state.digest.value,
            "digest_offset": self._state.digest.offset,
            "publishing": publisher.is_open,
            "topic_as_of": self._topic.published.as_of,
            "redis_error": publisher.redis.error,
            "schema_registry_error": self._topic.schema_registry_error,
            "snapshot_offset": self._state.kept_offset,
            "snapshot_held_ms": self._state.held_ms,
            "snapshot_error": self._state.error,
        }


def _beside(
    task: asyncio.Task[None] | None, work: Callable[[], Coroutine[Any, Any, None]]
) -> asyncio.Task[None]:
    """`work` as a task beside the heartbeats, of which it may take many; one at a time."""
    if task is not None:
        if not task.done():
            return task
        task.result()
    return asyncio.create_task(work())
