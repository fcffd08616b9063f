"""Faust reading chunks from a real Kafka: one message a chunk, in order, acknowledged in order."""

import asyncio
import gc
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.errors import OffsetOutOfRangeError
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from faust.types import TP

from infra.embedded_servers import Addresses
from streams.kafka import batch_consumer
from streams.kafka.batch_consumer import BatchConsumer
from streams.kafka.chunks import ChunkSchema, Fetched
from streams.kafka.client_settings import client_settings
from streams.kafka.topic_facts import bounds_of
from streams.settings import Settings
from streams.workers.faust_app import SWITCH_INTERVAL_S, Worker, faust_app, run_worker
from topics.errors import PositionError

RECORDS = 1_000
WAIT_S = 30.0
CHUNK_RECORDS_MAX = 50
IN_FLIGHT_MAX = 3


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
"""Faust does not close the event loop of its consumer thread: that ends with the process."""


@pytest.fixture(autouse=True)
def no_loop_left_behind() -> Iterator[None]:
    """Collects what Faust left while nobody minds."""
    yield
    gc.collect()


@pytest.fixture
def topic(kafka: str) -> Iterator[str]:
    """A topic of two partitions that nobody else uses."""
    name = f"chunks-{uuid.uuid4().hex}"
    admin = AdminClient(client_settings(kafka))
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(WAIT_S)
    yield name
    admin.delete_topics([name])[name].result(WAIT_S)


def produce(kafka: str, topic: str, records: int, *, aborts: bool = False, **settings: Any) -> None:
    """Numbered records, every other one to partition 1; with a transactional id, with gaps."""
    producer = Producer(
        client_settings(kafka) | {name.replace("_", "."): v for name, v in settings.items()}
    )
    if "transactional_id" in settings:
        producer.init_transactions(WAIT_S)
    for at in range(records):
        if "transactional_id" in settings and at % 100 == 0:
            if at:
                _end_transaction(producer, aborts=aborts)
            producer.begin_transaction()
        producer.produce(topic, str(at).encode(), partition=at % 2)
    if "transactional_id" in settings:
        _end_transaction(producer, aborts=aborts)
    assert producer.flush(WAIT_S) == 0


def _end_transaction(producer: Producer, *, aborts: bool) -> None:
    assert producer.flush(WAIT_S) == 0
    if aborts:
        producer.abort_transaction(WAIT_S)
    else:
        producer.commit_transaction(WAIT_S)


def committed(kafka: str, group: str, topic: str) -> list[int]:
    """Offsets that the group committed, by partition."""
    consumer = Consumer(client_settings(kafka) | {"group.id": group})
    places = consumer.committed([TopicPartition(topic, at) for at in range(2)], timeout=WAIT_S)
    consumer.close()
    return [place.offset for place in places]


class Reader:
    """An app that notes chunks, and acknowledges them when a test wants it."""

    def __init__(
        self,
        addresses: Addresses,
        home: Path,
        topic: str,
        *,
        positions: Mapping[int, int] | None = None,
        acks: bool = True,
    ) -> None:
        self.chunks: list[tuple[int, list[int]]] = []
        self.messages: list[Any] = []
        self.most_in_flight = 0
        self.group = f"reader-{uuid.uuid4().hex}"
        self._positions = positions or {}
        self._acks = acks
        (home / "faust").mkdir()
        settings = Settings(home=home, chunks_in_flight_max=IN_FLIGHT_MAX, session_timeout_s=6)
        self.app = faust_app(
            settings,
            addresses,
            self.group,
            starting_positions=self._begin,
            chunk_records_max=CHUNK_RECORDS_MAX,
        )
        self._add_agent(topic)

    async def _begin(
        self, assigned: set[TP], committed: Mapping[TP, int | None]
    ) -> Mapping[TP, int]:
        return {tp: self._positions.get(tp.partition, committed[tp] or 0) for tp in assigned}

    def _add_agent(self, topic: str) -> None:
        @self.app.agent(self.app.topic(topic, schema=ChunkSchema(), value_type=bytes), name="note")
        async def note(chunks: faust.StreamT) -> None:
            async for event in chunks.noack().events():
                self._note(event.message)

    def _note(self, message: Any) -> None:
        self.chunks.append((message.tp.partition, [record.offset for record in message.value]))
        self.messages.append(message)
        in_flight = len(self.app.consumer._chunks)
        self.most_in_flight = max(self.most_in_flight, in_flight)
        if self._acks:
            self.app.consumer.ack(message)

    @property
    def offsets(self) -> dict[int, list[int]]:
        """Offsets by partition, in the order in which they came."""
        found: dict[int, list[int]] = {0: [], 1: []}
        for partition, offsets in self.chunks:
            found[partition] += offsets
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Reader"]:
        """Consumes until the block ends."""
        self.app.finalize()
        await self.app.start()
        try:
            yield self
        finally:
            await self.app.stop()


async def until(is_enough: Callable[[], bool | Awaitable[bool]]) -> None:
    """Waits until something holds; fails when it never does."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = is_enough()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


async def test_every_record_comes_once_and_in_order_in_chunks_of_bounded_size(
    addresses: Addresses, tmp_path: Path, topic: str
) -> None:
    produce(addresses.kafka, topic, RECORDS)
    async with Reader(addresses, tmp_path, topic).running() as reader:
        await until(lambda: sum(map(len, reader.offsets.values())) >= RECORDS)
    assert reader.offsets == {0: list(range(RECORDS // 2)), 1: list(range(RECORDS // 2))}
    assert max(len(offsets) for _, offsets in reader.chunks) <= CHUNK_RECORDS_MAX
    assert len(reader.chunks) < RECORDS / 10
    assert committed(addresses.kafka, reader.group, topic) == [RECORDS // 2] * 2


async def test_offsets_without_a_record_are_covered_by_chunks_and_the_commit_passes_them(
    addresses: Addresses, tmp_path: Path, topic: str
) -> None:
    produce(addresses.kafka, topic, RECORDS, transactional_id=f"t-{topic}")
    ends = bounds_of(addresses.kafka, topic, range(2))
    async with Reader(addresses, tmp_path, topic).running() as reader:
        await until(lambda: _covered(reader) == [ends[at].end for at in range(2)])
        assert not any(reader.app.consumer._gap.values())
    assert sum(map(len, reader.offsets.values())) == RECORDS
    assert committed(addresses.kafka, reader.group, topic) == [ends[at].end for at in range(2)]
    assert ends[0].end > RECORDS // 2


async def test_a_transaction_that_was_aborted_is_a_chunk_without_records(
    addresses: Addresses, tmp_path: Path, topic: str
) -> None:
    produce(addresses.kafka, topic, RECORDS, transactional_id=f"t-{topic}", aborts=True)
    ends = bounds_of(addresses.kafka, topic, range(2))
    async with Reader(addresses, tmp_path, topic).running() as reader:
        await until(lambda: _covered(reader) == [ends[at].end for at in range(2)])
    assert reader.offsets == {0: [], 1: []}
    assert committed(addresses.kafka, reader.group, topic) == [ends[at].end for at in range(2)]


async def test_offsets_without_a_record_wait_for_the_next_record_and_then_for_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = TP("listening-events", 0)
    consumer: Any = SimpleNamespace(_vacant_since_s={})
    record = SimpleNamespace(value=b"x", offset=7)

    def chunks(records: list[Any], next_offset: int) -> list[tuple[int, int]]:
        fetched = Fetched(records, next_offset)
        found = BatchConsumer._chunks_of(consumer, place, fetched)
        return [(len(chunk), end) for chunk, end in found]

    monkeypatch.setattr(batch_consumer, "VACANT_FOR_S", 1_000.0)
    assert [chunks([], at) for at in (3, 5)] == [[], []]
    assert chunks([record], 9) == [(1, 9)]
    assert chunks([], 12) == []
    monkeypatch.setattr(batch_consumer, "VACANT_FOR_S", 0.0)
    assert chunks([], 12) == [(0, 12)]


def _covered(reader: Reader) -> list[int]:
    """The offset after the newest chunk of each partition."""
    newest = {message.tp.partition: message.offset + 1 for message in reader.messages}
    return [newest.get(at, 0) for at in range(2)]


async def test_no_more_chunks_are_in_flight_than_allowed_and_no_partition_is_paused(
    addresses: Addresses, tmp_path: Path, topic: str
) -> None:
    produce(addresses.kafka, topic, RECORDS)
    async with Reader(addresses, tmp_path, topic, acks=False).running() as reader:
        await until(lambda: len(reader.messages) == IN_FLIGHT_MAX)
        await asyncio.sleep(0.5)
        assert len(reader.messages) == IN_FLIGHT_MAX
        assert len(reader.app.consumer._get_active_partitions()) == 2
        while sum(map(len, reader.offsets.values())) < RECORDS:
            reader.app.consumer.ack(reader.messages.pop(0))
            await until(lambda: len(reader.messages) == IN_FLIGHT_MAX or _all_came(reader))
    assert reader.most_in_flight <= IN_FLIGHT_MAX


def _all_came(reader: Reader) -> bool:
    return sum(map(len, reader.offsets.values())) == RECORDS


async def test_a_chunk_that_overtakes_another_is_an_error_and_is_not_committed(
    addresses: Addresses, tmp_path: Path, topic: str
) -> None:
    produce(addresses.kafka, topic, RECORDS)
    async with Reader(addresses, tmp_path, topic, acks=False).running() as reader:
        await until(lambda: len(reader.messages) == IN_FLIGHT_MAX)
        taken = [message.tp for message in reader.messages]  # three chunks of two partitions
        later = next(m for at, m in enumerate(reader.messages) if m.tp in taken[:at])
        with pytest.raises(RuntimeError, match="overtook"):
            reader.app.consumer.ack(later)
    assert committed(addresses.kafka, reader.group, topic) == [0, 0]


async def test_where_a_partition_begins_is_committed_before_anything_of_it_is_handed_out(
    addresses: Addresses, tmp_path: Path, topic: str
) -> None:
    produce(addresses.kafka, topic, RECORDS)
    found: list[list[int]] = []

    class Careful(Reader):
        def _note(self, message: Any) -> None:
            found.append(committed(addresses.kafka, self.group, topic))

    reader = Careful(addresses, tmp_path, topic, positions={0: 7}, acks=False)
    async with reader.running():
        await until(lambda: bool(found))
    assert found[0] == [7, 0]


async def test_positions_are_what_the_worker_says_and_not_what_was_committed(
    addresses: Addresses, tmp_path: Path, topic: str
) -> None:
    produce(addresses.kafka, topic, RECORDS)
    reader = Reader(addresses, tmp_path, topic, positions={0: 450, 1: 490})
    async with reader.running():
        await until(lambda: sum(map(len, reader.offsets.values())) >= 60)
    assert reader.offsets == {0: list(range(450, 500)), 1: list(range(490, 500))}


async def test_beginning_again_drops_what_is_in_flight_and_asks_where_to_begin(
    addresses: Addresses, tmp_path: Path, topic: str
) -> None:
    produce(addresses.kafka, topic, RECORDS)
    async with Reader(addresses, tmp_path, topic, acks=False).running() as reader:
        await until(lambda: len(reader.messages) == IN_FLIGHT_MAX)
        stale = reader.messages[:]
        reader.app.consumer.restart_from_positions()
        assert not any(reader.app.consumer.ack(message) for message in stale)
        await until(lambda: len(reader.messages) == 2 * IN_FLIGHT_MAX)
        first = {m.tp: m.value[0].offset for m in reversed(reader.messages[IN_FLIGHT_MAX:])}
        assert set(first.values()) == {0}
    assert committed(addresses.kafka, reader.group, topic) == [0, 0]


async def test_a_held_partition_waits_and_the_others_go_on(
    addresses: Addresses, tmp_path: Path, topic: str
) -> None:
    reader = Reader(addresses, tmp_path, topic)
    async with reader.running():
        await until(lambda: len(reader.app.consumer._positions) == 2)
        reader.app.consumer.pause(TP(topic, 0))
        produce(addresses.kafka, topic, RECORDS)
        await until(lambda: len(reader.offsets[1]) == RECORDS // 2)
        assert len(reader.offsets[0]) <= CHUNK_RECORDS_MAX
        reader.app.consumer.resume(TP(topic, 0))
        await until(lambda: len(reader.offsets[0]) == RECORDS // 2)


@pytest.mark.parametrize(("asked", "is_ours"), [(900, True), (0, False)])
def test_a_position_that_the_topic_does_not_have_is_an_error_and_never_reset(
    asked: int, is_ours: bool
) -> None:
    place = TP("listening-events", 0)
    consumer = SimpleNamespace(_positions={place: 900})
    answer = OffsetOutOfRangeError({place: asked})
    with pytest.raises(PositionError, match="900") if is_ours else nullcontext():
        BatchConsumer._check_range(consumer, answer)  # type: ignore[arg-type]


def test_a_worker_hands_the_interpreter_over_quickly_and_runs_on_uvloop(tmp_path: Path) -> None:
    found: list[str] = []
    before = sys.getswitchinterval()

    def build() -> Worker:
        found.append(type(asyncio.get_running_loop()).__module__)
        found.append(f"{sys.getswitchinterval():.4f}")
        raise KeyError("enough")

    try:
        with pytest.raises(KeyError):
            run_worker(build)
    finally:
        sys.setswitchinterval(before)
    assert found == ["uvloop", f"{SWITCH_INTERVAL_S:.4f}"]


def test_a_worker_does_not_look_for_garbage_among_what_it_loaded(tmp_path: Path) -> None:
    threshold, switch_interval = gc.get_threshold(), sys.getswitchinterval()
    found: list[int] = []

    class Starting:
        app = SimpleNamespace(finalize=lambda: None)

        async def start(self) -> None:
            found.append(gc.get_freeze_count())
            raise KeyError("enough")

    try:
        with pytest.raises(KeyError):
            run_worker(Starting)  # type: ignore[arg-type]
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
        sys.setswitchinterval(switch_interval)
    assert found[0] > 0
