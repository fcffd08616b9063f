"""The sequencer: turns chunks of listening events into batches of the one ordered log.

It keeps no state that matters: it may be killed anywhere, and several share the partitions. This
is the edge; decisions are in `acceptance`, `sequencing`, `pipeline`, `healing`, `beginning` and
`breaker`. Every method runs on the worker's event loop.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog
from faust.types import TP

from streams.kafka.acknowledged_producer import AcknowledgedProducer
from streams.progress.progress_reader import FoldPosition
from streams.registry.writer_schemas import SchemaNotFetchedError, WriterSchemas
from streams.sequencing.acceptance import Accepted, RejectedRecord, accept, misplaced
from streams.sequencing.batching import BatchOrigin, batches_of
from streams.sequencing.circuit_breaker import CircuitBreaker
from streams.sequencing.dead_letter import dead_letter
from streams.sequencing.lost_rows import LostRowsDetector
from streams.sequencing.pipeline import Flight, Pipeline, ReportOutcome
from streams.sequencing.start_positions import Cluster, Source, begin
from topics.catalogue import DEAD_LETTERS, LEARNING_LOG
from topics.codecs import Decoder
from topics.control_records import ControlRecord
from topics.errors import LogError
from topics.learning_log import encode_log_record

_log = structlog.get_logger(__name__)
BROKEN_PAUSE_FIRST_S = 0.1
BROKEN_PAUSE_MAX_S = 5.0
"""Between epochs that break one after another."""
RESUME_S_MIN = 0.001
"""Timers may fire so much too early."""


class ChunkConsumer(Protocol):
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

    def hold(self, tp: TP) -> None:
        """Fetches nothing of this partition any more."""
        ...

    def release(self, tp: TP) -> None:
        """Fetches it again."""
        ...


@dataclass(frozen=True)
class Identity:
    """Who sequences, and where to."""

    sequencer_id: str
    version: str
    learning_log: str = LEARNING_LOG.name
    dead_letters: str = DEAD_LETTERS.name


class Sequencer:
    """Sequences the partitions that are assigned to this worker."""

    def __init__(
        self,
        identity: Identity,
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
        self._source = Source("", b"", 0)
        self._fold = FoldPosition()
        self._adopted = asyncio.Event()
        self._adopted.set()
        self._epoch = 0
        self._controls_end = 0
        self._broken_in_a_row = 0
        self._beginning: asyncio.TimerHandle | None = None
        self.pipelines: dict[TP, Pipeline] = {}
        self._healing: dict[TP, LostRowsDetector] = {}
        self._introduction = LostRowsDetector()
        self._breakers: dict[TP, CircuitBreaker] = {}
        self._paused: dict[TP, deque[Any]] = {}
        self._resuming: dict[TP, asyncio.TimerHandle] = {}
        self._asking: dict[TP, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
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
        self._source = cluster.source
        self._epoch += 1
        epoch = self._epoch
        self.follow(fold)
        starts = await begin(cluster, fold, self._write_control)
        log_end = max(cluster.log_end, self._controls_end)
        self._introduction.begin_epoch(1, log_end)
        for tp, start in starts.items():
            self.pipelines[tp] = Pipeline(epoch, start)
            self._healing.setdefault(tp, LostRowsDetector()).begin_epoch(start, log_end)
        return starts

    def forget(self) -> None:
        """Ends the epoch: what is on its way is purged, and its reports acknowledge nothing."""
        under_way = any(pipeline.flights for pipeline in self.pipelines.values())
        self.pipelines = {}
        self._paused = {}
        self._ask_no_more()
        self._resume_no_more()
        if under_way:
            self._producer.renew()

    async def _write_control(self, control: ControlRecord) -> None:
        value = encode_log_record(control)
        while (offset := await self._landed(value)) is None:
            _log.warning("control record did not reach the log; trying again", record=control)
            await asyncio.sleep(BROKEN_PAUSE_MAX_S)
            self._producer.renew()  # what failed for good never sends again
        self._controls_end = offset + 1

    async def _landed(self, value: bytes) -> int | None:
        landed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

        def report(offset: int | None) -> None:
            if not landed.done():
                landed.set_result(offset)

        await self._producer.produce(self.identity.learning_log, report, value=value, partition=0)
        return await landed

    # -- chunks -------------------------------------------------------------------------------

    async def sequence(self, message: Any) -> None:
        """Sends a chunk on its way; it is acknowledged once the log has all of it."""
        await self._adopted.wait()
        backlog = self._paused.get(message.tp)
        if backlog is None:
            await self._process(message)
        else:
            backlog.append(message)

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
            self._ask_first(message)
            return
        self._schemas.forget_unknown()
        origin = BatchOrigin(
            self._source.partition(tp),
            pipeline.epoch,
            self.identity.sequencer_id,
            self.identity.version,
        )
        last = records[-1].offset
        batches = [*batches_of(accepted, origin, pipeline.position, last)]
        flight = pipeline.launch(last, len(batches) + len(accepted.rejected), message)
        await self._send(tp, flight, batches, accepted.rejected)
        self._count(tp, accepted, len(batches))
        self._slow_down(tp, len(records), len(accepted.rejected))

    def _is_current(self, message: Any) -> bool:
        return self._consumer is not None and self._consumer.is_current(message)

    async def _send(
        self, tp: TP, flight: Flight, batches: list[bytes], rejected: Sequence[RejectedRecord]
    ) -> None:
        for each in rejected:
            letter = dead_letter(each, tp.topic, tp.partition, self.identity.version)
            report = partial(self._reported, self._letter_landed, tp, flight)
            await self._producer.produce(self.identity.dead_letters, report, **letter)
        for batch in batches:
            report = partial(self._reported, self._batch_landed, tp, flight)
            await self._producer.produce(
                self.identity.learning_log, report, value=batch, partition=0
            )

    def _count(self, tp: TP, accepted: Accepted, batches: int) -> None:
        self.counts["rows"] += len(accepted.rows)
        self.counts["rejected"] += len(accepted.rejected)
        self.counts["misplaced"] += misplaced(accepted.rows, tp.partition, self._source.partitions)
        self.counts["batches"] += batches

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

    def _batch_landed(
        self, pipeline: Pipeline, flight: Flight, offset: int | None
    ) -> ReportOutcome:
        return pipeline.report_batch(flight, offset)

    def _letter_landed(
        self, pipeline: Pipeline, flight: Flight, offset: int | None
    ) -> ReportOutcome:
        return pipeline.report_letter(flight, offset is not None)

    def _acknowledge(self, tp: TP, pipeline: Pipeline) -> None:
        assert self._consumer is not None
        for flight in pipeline.landed():
            self._broken_in_a_row = 0
            self._healing[tp].acknowledged(flight.to_offset, flight.log_offset)
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
        self._fold = fold
        known = fold.topic_ids.get(self._source.name)
        if known is None or known == self._source.topic_id:
            self._go_on()
        elif self._adopted.is_set():
            self._adopted.clear()
            _log.error(
                "the source topic was made again; nothing is sequenced until it is adopted",
                topic=self._source.name,
                remedy="echotune topics adopt",
            )

    def _go_on(self) -> None:
        if not self._adopted.is_set():
            _log.info("the source topic was adopted", topic=self._source.name)
            self._adopted.set()
            self._begin_again()

    def check_source(self, source: Source) -> None:
        """Begins again where the topic is not the one of this epoch any more."""
        if self._source.topic_id and source.topic_id != self._source.topic_id:
            _log.error("the source topic was made again", topic=source.name)
            self._begin_again()

    def heal(self) -> None:
        """Goes back to where the fold stands, wherever it will never see what was sent."""
        if not (self._fold.is_known and self._adopted.is_set()):
            return
        lost = [tp for tp, pipeline in self.pipelines.items() if self._is_lost(tp, pipeline)]
        if self.pipelines and self._is_unknown():
            _log.warning("the log lost what introduced the source; it is introduced again")
            self._begin_again()
        elif lost:
            _log.warning("the log lost rows; they are sent again", of=[str(tp) for tp in lost])
            self.counts["healed"] += len(lost)
            self._begin_again()

    def _is_unknown(self) -> bool:
        """Whether the folds will never see that the source was introduced, as if it were a row."""
        known = int(self._source.name in self._fold.topic_ids)
        return self._introduction.is_lost(self._clock(), self._fold.as_of, known, 1)

    def _is_lost(self, tp: TP, pipeline: Pipeline) -> bool:
        folded = self._fold.next.get(self._source.partition(tp), 0)
        return self._healing[tp].is_lost(
            self._clock(), self._fold.as_of, folded, pipeline.next_to_acknowledge
        )

    # -- poison -------------------------------------------------------------------------------

    def _slow_down(self, tp: TP, records: int, bad: int) -> None:
        breaker = self._breakers.setdefault(tp, CircuitBreaker())
        breaker.note(self._clock(), records, bad)
        pause_s = breaker.pause_left_s(self._clock())
        if pause_s and self._consumer is not None:
            _log.error("too many bad records; the partition pauses", tp=str(tp), pause_s=pause_s)
            self._consumer.hold(tp)
            backlog = self._paused.setdefault(tp, deque())
            self._resume_after(pause_s, tp, backlog)

    def _resume_after(self, pause_s: float, tp: TP, backlog: deque[Any]) -> None:
        """One timer a partition: two who work off one backlog would overtake each other."""
        self._forget_timer(tp)
        timer = asyncio.get_running_loop().call_later(
            max(pause_s, RESUME_S_MIN), self._resume, tp, backlog
        )
        self._resuming[tp] = timer

    def _resume(self, tp: TP, backlog: deque[Any]) -> None:
        self._begin_task(self._work_off(tp, backlog))

    def _forget_timer(self, tp: TP) -> None:
        timer = self._resuming.pop(tp, None)
        if timer is not None:
            timer.cancel()

    def _resume_no_more(self) -> None:
        for tp in [*self._resuming]:
            self._forget_timer(tp)
            if self._consumer is not None:
                self._consumer.release(tp)

    def _begin_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _work_off(self, tp: TP, backlog: deque[Any]) -> None:
        """Takes the chunks that came before the partition was held, then fetches it again."""
        self._forget_timer(tp)
        try:
            while self._paused.get(tp) is backlog and not self._has_to_wait(tp):
                if not backlog:
                    del self._paused[tp]
                    break
                await self._process(backlog.popleft())
            if tp not in self._paused and self._consumer is not None:
                self._consumer.release(tp)
            elif self._paused.get(tp) is backlog and tp not in self._asking:
                self._resume_after(self._pause_left_s(tp), tp, backlog)
        except Exception as error:  # not understood: stop before anything more is acknowledged
            self._stop(error)

    def _has_to_wait(self, tp: TP) -> bool:
        return tp in self._asking or bool(self._pause_left_s(tp))

    def _pause_left_s(self, tp: TP) -> float:
        return self._breakers.setdefault(tp, CircuitBreaker()).pause_left_s(self._clock())

    # -- schemas of a registry ----------------------------------------------------------------

    def _ask_first(self, message: Any) -> None:
        """Holds the partition of a chunk until the registry has answered, however long it takes."""
        assert self._consumer is not None
        tp = message.tp
        self._consumer.hold(tp)
        backlog = self._paused.setdefault(tp, deque())
        backlog.appendleft(message)
        self._asking[tp] = self._begin_task(self._ask(tp, backlog))

    async def _ask(self, tp: TP, backlog: deque[Any]) -> None:
        try:
            values = [record.value for record in backlog[0].value]
            await self._schemas.learn(values)
        except Exception as error:  # not understood: stop before anything more is acknowledged
            self._stop(error)
            return
        del self._asking[tp]
        await self._work_off(tp, backlog)

    def _ask_no_more(self) -> None:
        asking, self._asking = self._asking, {}
        for tp, task in asking.items():
            task.cancel()
            if self._consumer is not None:
                self._consumer.release(tp)

    # -- status -------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """What operators see; JSON values with stable names."""
        return {
            "sequencer_id": self.identity.sequencer_id,
            "topic": self._source.name,
            "topic_id": self._source.topic_id.hex(),
            "epoch": self._epoch,
            "counts": dict(self.counts),
            "schema_registry_error": self._schemas.error,
            "halted": "" if self._adopted.is_set() else "topic made again: echotune topics adopt",
            "partitions": {
                str(tp.partition): {
                    "next": pipeline.position,
                    "acknowledged": pipeline.next_to_acknowledge,
                    "in_flight": len(pipeline.flights),
                    "pause_s": self._pause_left_s(tp) if tp in self._breakers else 0.0,
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
