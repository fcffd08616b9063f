"""The sequencer: turns chunks of listening events into batches of the one ordered log.

It keeps no state that has to survive: it may be killed at any point, and several sequencers share
the partitions. This is the I/O layer; decisions are in `streams.sequencing`. Every method runs on
the worker's event loop.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog
from faust.types import TP

from streams.heartbeats.fold_position import FoldPosition
from streams.kafka.idempotent_producer import IdempotentProducer
from streams.registry.writer_schemas import SchemaNotFetchedError, WriterSchemas
from streams.sequencing.batching import BatchOrigin, batches_of
from streams.sequencing.chunk_backlogs import ChunkBacklogs, PartitionHolder
from streams.sequencing.control_writer import ControlWriter
from streams.sequencing.letter_writer import BytesMax, LetterWriter, unknown_limit
from streams.sequencing.pipeline import ChunkInFlight, Pipeline, ReportOutcome
from streams.sequencing.source_watch import SourceWatch
from streams.sequencing.start_positions import Cluster, Source, starting_positions
from streams.sequencing.validation import Accepted, RejectedRecord, accept, count_in_wrong_partition
from topics.catalogue import DEAD_LETTERS, LEARNING_LOG
from topics.codecs import Decoder
from topics.errors import LogError

_log = structlog.get_logger(__name__)
BROKEN_PAUSE_FIRST_S = 0.1
BROKEN_PAUSE_MAX_S = 5.0
"""Bounds, in seconds, of the exponential backoff between epochs that break in succession."""


class ChunkConsumer(PartitionHolder, Protocol):
    """The consumer's methods that the sequencer uses."""

    def restart_from_positions(self) -> None:
        """Drops all chunks in flight; every partition is read again from its starting position."""
        ...

    def is_current(self, message: Any) -> bool:
        """Whether a chunk was fetched after the positions were last set."""
        ...

    def ack(self, message: Any) -> bool:
        """Acknowledges a chunk."""
        ...


@dataclass(frozen=True)
class SequencerIdentity:
    """Names under which a sequencer runs, and the topics that it writes to."""

    sequencer_id: str
    version: str
    learning_log: str = LEARNING_LOG.name
    dead_letters: str = DEAD_LETTERS.name


class Sequencer:
    """Sequences the partitions that are assigned to this worker.

    It has more attributes than other classes: its I/O interfaces, and the state of one epoch.
    """

    def __init__(
        self,
        identity: SequencerIdentity,
        producer: IdempotentProducer,
        decoder: Decoder,
        stop: Callable[[BaseException], None],
        *,
        schemas: WriterSchemas | None = None,
        clock: Callable[[], float] = time.monotonic,
        letter_bytes_max: BytesMax = unknown_limit,
    ) -> None:
        self.identity = identity
        self._producer = producer
        self._decoder = decoder
        self._schemas = schemas or WriterSchemas()
        self._stop = stop
        self._clock = clock
        self._consumer: ChunkConsumer | None = None
        self._letters = LetterWriter(
            producer, identity.dead_letters, identity.version, stop, bytes_max=letter_bytes_max
        )
        self._controls = ControlWriter(producer, identity.learning_log)
        self._backlogs = ChunkBacklogs(self._process, self._schemas.fetch, stop, clock)
        self._watch = SourceWatch()
        self._adopted = asyncio.Event()
        self._adopted.set()
        self._epoch = 0
        self._broken_in_a_row = 0
        self._restart_timer: asyncio.TimerHandle | None = None
        self.pipelines: dict[TP, Pipeline] = {}
        self.counts: Counter[str] = Counter()

    # -- epochs -------------------------------------------------------------------------------

    async def begin(
        self, consumer: ChunkConsumer, cluster: Cluster, fold: FoldPosition
    ) -> dict[TP, int]:
        """Begins an epoch; returns the first offset to read in each assigned partition."""
        self.end_epoch()
        if self._restart_timer is not None:
            self._restart_timer.cancel()
        self._consumer = consumer
        self._backlogs.begin(consumer)
        self._watch.source = cluster.source
        self._epoch += 1
        epoch = self._epoch
        self.follow(fold)
        starts = await starting_positions(cluster, fold, self._controls.write)
        self._watch.begin_epoch(starts, max(cluster.log_end, self._controls.end))
        self.pipelines |= {tp: Pipeline(epoch, start) for tp, start in starts.items()}
        return starts

    def end_epoch(self) -> None:
        """Ends the epoch: records in flight are purged, and their reports acknowledge nothing."""
        has_in_flight = any(pipeline.in_flight for pipeline in self.pipelines.values())
        self.pipelines = {}
        self._backlogs.end()
        if has_in_flight:
            self._producer.renew()

    # -- chunks -------------------------------------------------------------------------------

    async def sequence(self, message: Any) -> None:
        """Sends a chunk; it is acknowledged as soon as the log has all of it.

        A chunk covers the offsets up to its own, also those that hold no record.
        """
        await self._adopted.wait()
        if not self._backlogs.add(message):
            await self._process(message)

    async def _process(self, message: Any) -> None:
        pipeline = self.pipelines.get(message.tp)
        if pipeline is None or pipeline.broken or not self._is_current(message):
            self.counts["stale_chunks"] += 1
            return
        tp, records = message.tp, message.value
        _check_position(pipeline, message)
        try:
            accepted = accept(records, self._decoder)
        except SchemaNotFetchedError:
            self._backlogs.fetch_first(message)
            return
        self._schemas.forget_unknown()
        origin = BatchOrigin(
            self._watch.source.partition(tp),
            pipeline.epoch,
            self.identity.sequencer_id,
            self.identity.version,
        )
        last = message.offset
        batches = [*batches_of(accepted, origin, pipeline.position, last)]
        chunk = pipeline.add(last, len(batches) + len(accepted.rejected), message)
        await self._send(tp, chunk, batches, accepted.rejected)
        self.counts.update(_counts_of(accepted, tp, self._watch.source, len(batches)))
        if records:
            self._backlogs.note(tp, len(records), len(accepted.rejected))

    def _is_current(self, message: Any) -> bool:
        return self._consumer is not None and self._consumer.is_current(message)

    async def _send(
        self, tp: TP, chunk: ChunkInFlight, batches: list[bytes], rejected: Sequence[RejectedRecord]
    ) -> None:
        for each in rejected:
            report = partial(self._reported, _note_letter_report, tp, chunk)
            await self._letters.write(each, tp, report)
        for batch in batches:
            report = partial(self._reported, _note_batch_report, tp, chunk)
            await self._producer.produce(
                self.identity.learning_log, report, value=batch, partition=0
            )

    # -- reports ------------------------------------------------------------------------------

    def _reported(
        self,
        note: Callable[[Pipeline, ChunkInFlight, int | None], ReportOutcome],
        tp: TP,
        chunk: ChunkInFlight,
        offset: int | None,
    ) -> None:
        pipeline = self.pipelines.get(tp)
        if pipeline is None:
            return
        try:
            if note(pipeline, chunk, offset) is ReportOutcome.BROKEN:
                self._break_epoch(tp)
            else:
                self._acknowledge(tp, pipeline)
        except Exception as error:  # unexpected: stop before anything more is acknowledged
            self._stop(error)

    def _acknowledge(self, tp: TP, pipeline: Pipeline) -> None:
        assert self._consumer is not None
        for chunk in pipeline.acknowledgeable():
            self._broken_in_a_row = 0
            self._watch.acknowledged(tp, chunk.to_offset, chunk.log_offset)
            self._consumer.ack(chunk.message)

    def _break_epoch(self, tp: TP) -> None:
        """Ends an epoch whose record was not written. The next one starts after a backoff."""
        pause_s = min(BROKEN_PAUSE_MAX_S, BROKEN_PAUSE_FIRST_S * 2**self._broken_in_a_row)
        _log.error("a record did not reach the log; a new epoch", tp=str(tp), in_s=pause_s)
        self.counts["broken_epochs"] += 1
        self._broken_in_a_row = min(self._broken_in_a_row + 1, 10)
        self.end_epoch()
        self._restart_timer = asyncio.get_running_loop().call_later(pause_s, self._restart)

    def _restart(self) -> None:
        self.end_epoch()
        if self._consumer is not None:
            self._consumer.restart_from_positions()

    # -- heartbeats of the folds --------------------------------------------------------------

    def follow(self, fold: FoldPosition) -> None:
        """Notes the folds' newest position; halts while they know another topic as the source."""
        self._watch.fold = fold
        name, is_halted = self._watch.source.name, not self._adopted.is_set()
        if self._watch.is_foreign and not is_halted:
            self._adopted.clear()
            _log.error(
                "the source topic was recreated; nothing is sequenced until it is adopted",
                topic=name,
                remedy="echotune topics adopt",
            )
        elif is_halted and not self._watch.is_foreign:
            _log.info("the source topic was adopted", topic=name)
            self._adopted.set()
            self._restart()

    def check_source(self, source: Source) -> None:
        """Restarts if the topic was recreated after this epoch began."""
        known = self._watch.source.topic_id
        if known and source.topic_id != known:
            _log.error("the source topic was recreated", topic=source.name)
            self._restart()

    def recover_lost_rows(self) -> None:
        """Reads the source again from the fold's `next` if the log has lost rows or the source."""
        if not (self._watch.fold.is_known and self._adopted.is_set()):
            return
        sent = {tp: pipeline.next_to_acknowledge for tp, pipeline in self.pipelines.items()}
        lost = self._watch.lost(self._clock(), sent)
        if self.pipelines and self._watch.is_introduction_lost(self._clock()):
            _log.warning("the log lost the record that introduced the source; it is written again")
            self._restart()
        elif lost:
            _log.warning("the log lost rows; they are sent again", of=[str(tp) for tp in lost])
            self.counts["healed"] += len(lost)
            self._restart()

    # -- status -------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """What operators see; JSON values with stable names."""
        return {
            "sequencer_id": self.identity.sequencer_id,
            "topic": self._watch.source.name,
            "topic_id": self._watch.source.topic_id.hex(),
            "epoch": self._epoch,
            "counts": dict(self.counts),
            "schema_registry_error": self._schemas.error,
            "halted": "" if self._adopted.is_set() else "topic recreated: echotune topics adopt",
            "partitions": {
                str(tp.partition): {
                    "next": pipeline.position,
                    "acknowledged": pipeline.next_to_acknowledge,
                    "in_flight": len(pipeline.in_flight),
                    "pause_s": self._backlogs.pause_left_s(tp),
                }
                for tp, pipeline in self.pipelines.items()
            },
        }


def _check_position(pipeline: Pipeline, message: Any) -> None:
    first = message.value[0].offset if message.value else message.offset
    if first < pipeline.position:
        raise LogError(
            f"{message.tp.topic}/{message.tp.partition} unexpectedly went back to {first}.",
            "Start the sequencer again: it begins at the fold's position.",
        )


def _counts_of(accepted: Accepted, tp: TP, source: Source, batches: int) -> dict[str, int]:
    return {
        "rows": len(accepted.rows),
        "rejected": len(accepted.rejected),
        "misplaced": count_in_wrong_partition(accepted.rows, tp.partition, source.partitions),
        "batches": batches,
    }


def _note_batch_report(
    pipeline: Pipeline, chunk: ChunkInFlight, offset: int | None
) -> ReportOutcome:
    return pipeline.report_batch(chunk, offset)


def _note_letter_report(
    pipeline: Pipeline, chunk: ChunkInFlight, offset: int | None
) -> ReportOutcome:
    return pipeline.report_letter(chunk, offset is not None)
