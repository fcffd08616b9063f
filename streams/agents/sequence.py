"""The sequencer: turns chunks of listening events into batches of the one ordered log.

It keeps no state that matters: it may be killed anywhere, and several share the partitions.
Decisions are in `streams.sequencing`; this is their edge to Kafka. Everything runs on the
worker's event loop.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog

from streams.acceptance import Accepted, accept, misplaced
from streams.acknowledged_producer import AcknowledgedProducer
from streams.breaker import Breaker
from streams.dead_letters import dead_letter
from streams.progress_reader import FoldPosition
from streams.sequencing import BatchOrigin, Flight, Pipeline, Verdict, batches_of, was_ignored
from streams.topic_ids import Bounds
from topics.catalogue import LEARNING_LOG
from topics.codecs import Decoder
from topics.control_records import ControlRecord, SourceAdded, SourceTruncated
from topics.errors import LogError
from topics.learning_batch import SourcePartition
from topics.learning_log import encode_log_record

_log = structlog.get_logger(__name__)
STALL_S = 10.0
"""A fold that stands still below what we acknowledged for so long has lost it: go back."""


class Consumer(Protocol):
    """What the sequencer asks of its consumer; partitions are (topic, partition)."""

    def begin_again(self) -> None:
        """Drops all chunks in flight and asks for starting positions again."""
        ...

    def is_current(self, message: Any) -> bool:
        """Whether a chunk was fetched since the positions last moved."""
        ...

    def ack(self, message: Any) -> bool:
        """Acknowledges a chunk."""
        ...

    def hold(self, tp: Any) -> None:
        """Fetches nothing of this partition any more."""
        ...

    def release(self, tp: Any) -> None:
        """Fetches it again."""
        ...


@dataclass(frozen=True)
class Source:
    """The topic that is sequenced."""

    name: str
    topic_id: bytes
    partitions: int


@dataclass
class _Stall:
    """Since when a fold has been standing still at a place."""

    at: tuple[int, int] = (-1, -1)
    since_s: float = 0.0
    heartbeats: int = 0


class Sequencer:
    """Sequences the partitions that are assigned to this worker."""

    def __init__(
        self,
        source: Source,
        producer: AcknowledgedProducer,
        decoder: Decoder,
        *,
        sequencer_id: str,
        version: str,
    ) -> None:
        self.source = source
        self.sequencer_id = sequencer_id
        self._version = version
        self._producer = producer
        self._decoder = decoder
        self._consumer: Consumer | None = None
        self.pipelines: dict[Any, Pipeline] = {}
        self._breakers: dict[Any, Breaker] = {}
        self._stalls: dict[Any, _Stall] = {}
        self._fold = FoldPosition()
        self._introduced = False
        self._adopted = asyncio.Event()
        self._adopted.set()
        self._epoch = 0
        self.counts: Counter[str] = Counter()

    # -- assignment ---------------------------------------------------------------------------

    async def begin(
        self,
        consumer: Consumer,
        committed: Mapping[Any, int | None],
        bounds: Mapping[Any, Bounds],
        fold: FoldPosition,
    ) -> dict[Any, int]:
        """Where every assigned partition begins: min(committed, the fold's next); a new epoch."""
        self._consumer = consumer
        self._epoch += 1
        self.pipelines = {}
        self.follow(fold)
        await self._introduce()
        starts = {
            tp: await self._existing(tp, self._start(tp, at), bounds[tp])
            for tp, at in sorted(committed.items())
        }
        self.pipelines = {tp: Pipeline(self._epoch, at) for tp, at in starts.items()}
        return starts

    def _start(self, tp: Any, committed: int | None) -> int:
        if not self._fold.is_known:
            return committed or 0
        folded = self._fold.next.get(self._partition(tp), 0)
        return folded if committed is None else min(committed, folded)

    async def _existing(self, tp: Any, wanted: int, bounds: Bounds) -> int:
        """`wanted`, or the partition's start where rows are gone, which the log is told."""
        if wanted > bounds.end:
            raise LogError(
                f"{tp.topic}/{tp.partition} ends at {bounds.end}, but {wanted} is to be read next.",
                "The topic lost its tail: see `echotune status`, then `echotune topics adopt`.",
            )
        if wanted >= bounds.start:
            return wanted
        _log.error("rows of the source are gone", tp=str(tp), missing_from=wanted, to=bounds.start)
        await self._control(SourceTruncated(self.source.topic_id, tp.partition, bounds.start))
        return bounds.start

    def revoke(self) -> None:
        """Forgets all pipelines: reports that are still to come acknowledge nothing."""
        self.pipelines = {}

    def _partition(self, tp: Any) -> SourcePartition:
        return SourcePartition(self.source.topic_id, tp.partition)

    async def _introduce(self) -> None:
        if not self._introduced and self._fold.topic_ids.get(self.source.name) != self.source.topic_id:
            await self._control(SourceAdded(self.source.topic_id, self.source.name))
        self._introduced = True

    async def _control(self, control: ControlRecord) -> None:
        done = asyncio.get_running_loop().create_future()
        await self._producer.produce(
            LEARNING_LOG.name, done.set_result, value=encode_log_record(control), partition=0
        )
        if await done is None:
            raise LogError(f"{control} could not be written to the learning-log.", "Is Kafka up?")

    # -- chunks -------------------------------------------------------------------------------

    async def sequence(self, message: Any) -> None:
        """Sends a chunk on its way; it is acknowledged once the log has it."""
        await self._adopted.wait()
        assert self._consumer is not None
        tp, records = message.tp, message.value
        pipeline = self.pipelines.get(tp)
        if pipeline is None or pipeline.broken or not self._consumer.is_current(message):
            self.counts["stale_chunks"] += 1
            return
        self._check_position(tp, pipeline, records)
        accepted = accept(records, self._decoder)
        self._count(tp, accepted)
        origin = BatchOrigin(
            self._partition(tp), pipeline.epoch, self.sequencer_id, self._version
        )
        last = records[-1].offset
        batches = [*batches_of(accepted, origin, pipeline.position, last)]
        flight = pipeline.launch(last, len(batches) + len(accepted.rejected), message)
        await self._send(tp, flight, batches, accepted)
        self._break(tp, len(records), len(accepted.rejected))

    def _check_position(self, tp: Any, pipeline: Pipeline, records: Sequence[Any]) -> None:
        if records[0].offset < pipeline.position:
            raise LogError(
                f"{tp.topic}/{tp.partition} went back to {records[0].offset} by itself.",
                "Start the sequencer again: it begins where the fold stands.",
            )

    def _count(self, tp: Any, accepted: Accepted) -> None:
        self.counts["rows"] += len(accepted.rows)
        self.counts["rejected"] += len(accepted.rejected)
        self.counts["misplaced"] += misplaced(accepted.rows, tp.partition, self.source.partitions)

    async def _send(
        self, tp: Any, flight: Flight, batches: list[bytes], accepted: Accepted
    ) -> None:
        for each in accepted.rejected:
            letter = dead_letter(each, tp.topic, tp.partition, self._version)
            await self._producer.produce(
                letter.pop("topic"), partial(self._letter_landed, tp, flight), **letter
            )
        for batch in batches:
            await self._producer.produce(
                LEARNING_LOG.name, partial(self._batch_landed, tp, flight), value=batch, partition=0
            )
        self.counts["batches"] += len(batches)

    def _letter_landed(self, tp: Any, flight: Flight, offset: int | None) -> None:
        pipeline = self.pipelines.get(tp)
        if pipeline is not None:
            self._settle(tp, pipeline, pipeline.report_letter(flight, offset is not None))

    def _batch_landed(self, tp: Any, flight: Flight, offset: int | None) -> None:
        pipeline = self.pipelines.get(tp)
        if pipeline is not None:
            self._settle(tp, pipeline, pipeline.report(flight, offset))

    def _settle(self, tp: Any, pipeline: Pipeline, verdict: Verdict) -> None:
        if verdict is Verdict.BROKEN:
            self._restart(tp)
            return
        assert self._consumer is not None
        for landed in pipeline.landed():
            self._consumer.ack(landed.chunk)

    # -- failures and healing -----------------------------------------------------------------

    def _restart(self, tp: Any) -> None:
        """A new producer, and every partition again from what was committed of it."""
        _log.error("a batch did not reach the log; a new epoch begins", tp=str(tp))
        self.counts["broken_epochs"] += 1
        self.pipelines = {}
        self._producer.renew()
        self._begin_again()

    def _begin_again(self) -> None:
        if self._consumer is not None:
            self._consumer.begin_again()

    def follow(self, fold: FoldPosition) -> None:
        """Takes a heartbeat of the folds; halts while the topic is not the one they know."""
        self._fold = fold
        known = fold.topic_ids.get(self.source.name)
        if known is None or known == self.source.topic_id:
            if not self._adopted.is_set():
                self._adopted.set()
                self._begin_again()
            return
        if self._adopted.is_set():
            self._adopted.clear()
            _log.error(
                "the source topic was made again; nothing is sequenced until it is adopted",
                topic=self.source.name,
                remedy="echotune topics adopt",
            )

    def heal(self) -> None:
        """Goes back to where the fold stands, wherever it will never see what we sent."""
        for tp, pipeline in self.pipelines.items():
            folded = self._fold.next.get(self._partition(tp), 0)
            if self._fold.is_known and self._is_lost(tp, pipeline, folded):
                _log.warning("the log lost rows; they are sent again", tp=str(tp), offset=folded)
                self.counts["healed"] += 1
                self.pipelines = {}
                self._begin_again()
                return

    def _is_lost(self, tp: Any, pipeline: Pipeline, folded: int) -> bool:
        if was_ignored(pipeline, self._fold.as_of, folded):
            return True
        return folded < pipeline.next_to_acknowledge and self._stands_still(tp, folded)

    def _stands_still(self, tp: Any, folded: int) -> bool:
        stall = self._stalls.setdefault(tp, _Stall())
        if stall.at != (self._fold.as_of, folded):
            self._stalls[tp] = _Stall((self._fold.as_of, folded), time.monotonic(), 1)
            return False
        stall.heartbeats += 1
        return stall.heartbeats > 1 and time.monotonic() - stall.since_s >= STALL_S

    def _break(self, tp: Any, records: int, bad: int) -> None:
        pause_s = self._breakers.setdefault(tp, Breaker()).note(records, bad)
        if pause_s and self._consumer is not None:
            _log.error("too many bad records; the partition pauses", tp=str(tp), pause_s=pause_s)
            self._consumer.hold(tp)
            asyncio.get_running_loop().call_later(pause_s, self._resume, tp)

    def _resume(self, tp: Any) -> None:
        if self._consumer is not None:
            self._consumer.release(tp)

    # -- status -------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """What operators see; JSON values with stable names."""
        return {
            "sequencer_id": self.sequencer_id,
            "topic": self.source.name,
            "topic_id": self.source.topic_id.hex(),
            "counts": dict(self.counts),
            "halted": "" if self._adopted.is_set() else "topic made again: echotune topics adopt",
            "partitions": {
                str(tp.partition): {
                    "next": pipeline.position,
                    "acknowledged": pipeline.next_to_acknowledge,
                    "in_flight": len(pipeline.flights),
                    "pause_s": self._breakers.get(tp, Breaker()).pause_s,
                }
                for tp, pipeline in self.pipelines.items()
            },
        }
