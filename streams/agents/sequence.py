"""The sequencer: turns chunks of listening events into batches of the one ordered log.

It keeps no state that matters: it may be killed anywhere, and several share the partitions. This
is the edge; decisions are in `streams.sequencing`. Every method runs on the worker's event loop.
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

from streams.kafka.acknowledged_producer import AcknowledgedProducer
from streams.progress.fold_position import FoldPosition
from streams.registry.writer_schemas import SchemaNotFetchedError, WriterSchemas
from streams.sequencing.acceptance import Accepted, RejectedRecord, accept, misplaced
from streams.sequencing.batching import BatchOrigin, batches_of
from streams.sequencing.chunk_backlogs import ChunkBacklogs, PartitionHolder
from streams.sequencing.control_writer import ControlWriter
from streams.sequencing.dead_letter import dead_letter
from streams.sequencing.pipeline import Flight, Pipeline, ReportOutcome
from streams.sequencing.source_watch import SourceWatch
from streams.sequencing.start_positions import Cluster, Source, begin
from topics.catalogue import DEAD_LETTERS, LEARNING_LOG
from topics.codecs import Decoder
from topics.errors import LogError

_log = structlog.get_logger(__name__)
BROKEN_PAUSE_FIRST_S = 0.1
BROKEN_PAUSE_MAX_S = 5.0
"""Between epochs that break one after another."""


class ChunkConsumer(PartitionHolder, Protocol):
    """What the sequencer asks of its consumer."""

    def begin_again(self) -> None:
        """Drops all chunks in flight and asks for starting positions again."""
        ...

    def is_current(self, message: Any) -> bool:
        """Whether a chunk was fetched since the positions last moved."""
        ...

    def ack(self, message: Any) -> bool:
        """Acknowledges a chunk."""
        ...


@dataclass(frozen=True)
class SequencerIdentity:
    """Who sequences, and where to."""

    sequencer_id: str
    version: str
    learning_log: str = LEARNING_LOG.name
    dead_letters: str = DEAD_LETTERS.name


class Sequencer:
    """Sequences the partitions that are assigned to this worker.

    It has more attributes than other classes: the ports of the edge, and the state of one epoch.
    """

    def __init__(
        self,
        identity: SequencerIdentity,
        producer: AcknowledgedProducer,
        decoder: Decoder,
        stop: Callable[[BaseException], None],
        *,
        schemas: WriterSchemas | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = identity
        self._producer = producer
        self._decoder = decoder
        self._schemas = schemas or WriterSchemas()
        self._stop = stop
        self._clock = clock
        self._consumer: ChunkConsumer | None = None
        self._controls = ControlWriter(producer, identity.learning_log)
        self._backlogs = ChunkBacklogs(self._process, self._schemas.learn, stop, clock)
        self._watch = SourceWatch()
        self._adopted = asyncio.Event()
        self._adopted.set()
        self._epoch = 0
        self._broken_in_a_row = 0
        self._beginning: asyncio.TimerHandle | None = None
        self.pipelines: dict[TP, Pipeline] = {}
        self.counts: Counter[str] = Counter()

    # -- epochs -------------------------------------------------------------------------------

    async def begin(
        self, consumer: ChunkConsumer, cluster: Cluster, fold: FoldPosition
    ) -> dict[TP, int]:
        """Begins a new epoch; returns where each partition of `cluster.committed` is read."""
        self.forget()
        if self._beginning is not None:
            self._beginning.cancel()
        self._consumer = consumer
        self._backlogs.begin(consumer)
        self._watch.source = cluster.source
        self._epoch += 1
        epoch = self._epoch
        self.follow(fold)
        starts = await begin(cluster, fold, self._controls.write)
        self._watch.begin_epoch(starts, max(cluster.log_end, self._controls.end))
        self.pipelines |= {tp: Pipeline(epoch, start) for tp, start in starts.items()}
        return starts

    def forget(self) -> None:
        """Ends the epoch: what is on its way is purged, and its reports acknowledge nothing."""
        under_way = any(pipeline.flights for pipeline in self.pipelines.values())
        self.pipelines = {}
        self._backlogs.end()
        if under_way:
            self._producer.renew()

    # -- chunks -------------------------------------------------------------------------------

    async def sequence(self, message: Any) -> None:
        """Sends a chunk on its way; it is acknowledged once the log has all of it."""
        await self._adopted.wait()
        if not self._backlogs.add(message):
            await self._process(message)

    async def _process(self, message: Any) -> None:
        pipeline = self.pipelines.get(message.tp)
        if pipeline is None or pipeline.broken or not self._is_current(message):
            self.counts["stale_chunks"] += 1
            return
        tp, records = message.tp, message.value
        _check_position(tp, pipeline, records)
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
        last = records[-1].offset
        batches = [*batches_of(accepted, origin, pipeline.position, last)]
        flight = pipeline.launch(last, len(batches) + len(accepted.rejected), message)
        await self._send(tp, flight, batches, accepted.rejected)
        self.counts.update(_counts_of(accepted, tp, self._watch.source, len(batches)))
        self._backlogs.note(tp, len(records), len(accepted.rejected))

    def _is_current(self, message: Any) -> bool:
        return self._consumer is not None and self._consumer.is_current(message)

    async def _send(
        self, tp: TP, flight: Flight, batches: list[bytes], rejected: Sequence[RejectedRecord]
    ) -> None:
        for each in rejected:
            letter = dead_letter(each, tp.topic, tp.partition, self.identity.version)
            report = partial(self._reported, _letter_landed, tp, flight)
            await self._producer.produce(self.identity.dead_letters, report, **letter)
        for batch in batches:
            report = partial(self._reported, _batch_landed, tp, flight)
            await self._producer.produce(
                self.identity.learning_log, report, value=batch, partition=0
            )

    # -- reports ------------------------------------------------------------------------------

    def _reported(
        self,
        note: Callable[[Pipeline, Flight, int | None], ReportOutcome],
        tp: TP,
        flight: Flight,
        offset: int | None,
    ) -> None:
        pipeline = self.pipelines.get(tp)
        if pipeline is None:
            return
        try:
            if note(pipeline, flight, offset) is ReportOutcome.BROKEN:
                self._break_epoch(tp)
            else:
                self._acknowledge(tp, pipeline)
        except Exception as error:  # not understood: stop before anything more is acknowledged
            self._stop(error)

    def _acknowledge(self, tp: TP, pipeline: Pipeline) -> None:
        assert self._consumer is not None
        for flight in pipeline.landed():
            self._broken_in_a_row = 0
            self._watch.acknowledged(tp, flight.to_offset, flight.log_offset)
            self._consumer.ack(flight.chunk)

    def _break_epoch(self, tp: TP) -> None:
        """Nothing more of this epoch is acknowledged; the next one begins from what was."""
        pause_s = min(BROKEN_PAUSE_MAX_S, BROKEN_PAUSE_FIRST_S * 2**self._broken_in_a_row)
        _log.error("a record did not reach the log; a new epoch", tp=str(tp), in_s=pause_s)
        self.counts["broken_epochs"] += 1
        self._broken_in_a_row = min(self._broken_in_a_row + 1, 10)
        self.forget()
        self._beginning = asyncio.get_running_loop().call_later(pause_s, self._begin_again)

    def _begin_again(self) -> None:
        self.forget()
        if self._consumer is not None:
            self._consumer.begin_again()

    # -- what the folds say -------------------------------------------------------------------

    def follow(self, fold: FoldPosition) -> None:
        """Takes a heartbeat of the folds; halts while the topic is not the one they know."""
        self._watch.fold = fold
        name, is_halted = self._watch.source.name, not self._adopted.is_set()
        if self._watch.is_foreign and not is_halted:
            self._adopted.clear()
            _log.error(
                "the source topic was made again; nothing is sequenced until it is adopted",
                topic=name,
                remedy="echotune topics adopt",
            )
        elif is_halted and not self._watch.is_foreign:
            _log.info("the source topic was adopted", topic=name)
            self._adopted.set()
            self._begin_again()

    def check_source(self, source: Source) -> None:
        """Begins again where the topic is not the one of this epoch any more."""
        known = self._watch.source.topic_id
        if known and source.topic_id != known:
            _log.error("the source topic was made again", topic=source.name)
            self._begin_again()

    def heal(self) -> None:
        """Goes back to where the fold stands, wherever it will never see what was sent."""
        if not (self._watch.fold.is_known and self._adopted.is_set()):
            return
        sent = {tp: pipeline.next_to_acknowledge for tp, pipeline in self.pipelines.items()}
        lost = self._watch.lost(self._clock(), sent)
        if self.pipelines and self._watch.is_introduction_lost(self._clock()):
            _log.warning("the log lost what introduced the source; it is introduced again")
            self._begin_again()
        elif lost:
            _log.warning("the log lost rows; they are sent again", of=[str(tp) for tp in lost])
            self.counts["healed"] += len(lost)
            self._begin_again()

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
            "halted": "" if self._adopted.is_set() else "topic made again: echotune topics adopt",
            "partitions": {
                str(tp.partition): {
                    "next": pipeline.position,
                    "acknowledged": pipeline.next_to_acknowledge,
                    "in_flight": len(pipeline.flights),
                    "pause_s": self._backlogs.pause_left_s(tp),
                }
                for tp, pipeline in self.pipelines.items()
            },
        }


def _check_position(tp: TP, pipeline: Pipeline, records: Sequence[Any]) -> None:
    if records[0].offset < pipeline.position:
        raise LogError(
            f"{tp.topic}/{tp.partition} went back to {records[0].offset} by itself.",
            "Start the sequencer again: it begins where the fold stands.",
        )


def _counts_of(accepted: Accepted, tp: TP, source: Source, batches: int) -> dict[str, int]:
    return {
        "rows": len(accepted.rows),
        "rejected": len(accepted.rejected),
        "misplaced": misplaced(accepted.rows, tp.partition, source.partitions),
        "batches": batches,
    }


def _batch_landed(pipeline: Pipeline, flight: Flight, offset: int | None) -> ReportOutcome:
    return pipeline.report_batch(flight, offset)


def _letter_landed(pipeline: Pipeline, flight: Flight, offset: int | None) -> ReportOutcome:
    return pipeline.report_letter(flight, offset is not None)
