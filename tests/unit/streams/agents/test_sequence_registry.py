"""The sequencer beside a schema registry that answers, is away, or does not know."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from streams.registry import writer_schemas
from streams.registry.memory_schema_registry import MemorySchemaRegistry, guid_of
from tests.support.records import ARecord, a_value
from tests.support.registered import a_contract, another_record, in_microseconds, written
from tests.unit.streams.agents.test_sequence import TP0, AMessage, Desk
from topics.catalogue import DEAD_LETTERS

SUBJECT = "listening-events-value"
UNKNOWN_ID = 77


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_schemas, "RETRY_FIRST_S", 0.0)
    monkeypatch.setattr(writer_schemas, "UNKNOWN_AGAIN_S", 0.0)


@pytest.fixture
def registry() -> MemorySchemaRegistry:
    return MemorySchemaRegistry()


@pytest.fixture
async def desk(registry: MemorySchemaRegistry) -> Desk:
    desk = Desk(registry)
    await desk.begin()
    return desk


async def hear(desk: Desk, first: int, *values: bytes) -> None:
    """A chunk of `values` from source offset `first` on."""
    records = [ARecord(first + at, value) for at, value in enumerate(values)]
    await desk.sequencer.sequence(AMessage(TP0, records))


async def until(condition: Callable[[], bool]) -> None:
    """Lets the sequencer work until `condition`; the test's own time-out ends it."""
    while not condition():
        await asyncio.sleep(0.001)


async def test_an_event_under_a_registrys_id_is_a_row_like_any_other(
    desk: Desk, registry: MemorySchemaRegistry
) -> None:
    text = a_contract()
    schema_id = registry.register(SUBJECT, text)
    await hear(desk, 0, written(schema_id, text, minute=1), a_value())
    await until(lambda: bool(desk.producer.sent))
    [batch] = desk.producer.batches
    assert (batch.from_offset, batch.to_offset, len(batch.offsets)) == (0, 1, 2)
    assert not desk.consumer.paused


async def test_a_registry_is_asked_once_for_an_id(
    desk: Desk, registry: MemorySchemaRegistry
) -> None:
    text = a_contract()
    schema_id = registry.register(SUBJECT, text)
    for first in range(3):
        await hear(desk, first, written(schema_id, text))
        await until(lambda: not desk.consumer.paused)
    assert registry.asked == [schema_id]
    assert len(desk.producer.batches) == 3


async def test_while_the_registry_is_away_the_partition_waits_and_then_nothing_is_missing(
    desk: Desk, registry: MemorySchemaRegistry
) -> None:
    text = a_contract()
    schema_id = registry.register(SUBJECT, text)
    registry.is_away = True
    for first in range(3):
        await hear(desk, first, written(schema_id, text))
    await until(lambda: desk.sequencer.status()["schema_registry_error"] is not None)
    assert desk.consumer.paused == {TP0}
    assert not desk.producer.sent
    registry.is_away = False
    await until(lambda: not desk.consumer.paused)
    assert [batch.from_offset for batch in desk.producer.batches] == [0, 1, 2]
    assert desk.sequencer.status()["schema_registry_error"] is None


async def test_events_under_fixed_and_known_ids_need_no_registry(
    desk: Desk, registry: MemorySchemaRegistry
) -> None:
    text = a_contract()
    schema_id = registry.register(SUBJECT, text)
    await hear(desk, 0, written(schema_id, text))
    await until(lambda: bool(desk.producer.sent))
    registry.is_away = True
    await hear(desk, 1, a_value(), written(schema_id, text))
    assert len(desk.producer.batches) == 2


async def test_an_assignment_that_ends_meanwhile_waits_for_no_registry(
    desk: Desk, registry: MemorySchemaRegistry
) -> None:
    text = a_contract()
    schema_id = registry.register(SUBJECT, text)
    registry.is_away = True
    await hear(desk, 0, written(schema_id, text))
    await until(lambda: desk.sequencer.status()["schema_registry_error"] is not None)
    await desk.begin()
    assert not desk.consumer.paused
    registry.is_away = False
    await hear(desk, 0, written(schema_id, text))
    await until(lambda: bool(desk.producer.sent))
    assert [batch.from_offset for batch in desk.producer.batches] == [0]
    assert not desk.stopped


async def test_an_id_that_the_registry_does_not_know_is_a_dead_letter_after_asking_twice(
    desk: Desk, registry: MemorySchemaRegistry
) -> None:
    await hear(desk, 0, a_value(), written(UNKNOWN_ID, a_contract()))
    await until(lambda: bool(desk.producer.sent))
    assert registry.asked == [UNKNOWN_ID, UNKNOWN_ID]
    assert [each.topic for each in desk.producer.sent].count(DEAD_LETTERS.name) == 1
    [batch] = desk.producer.batches
    assert (batch.to_offset, len(batch.offsets)) == (1, 1)


async def test_an_id_that_was_unknown_is_read_once_it_is_registered(
    desk: Desk, registry: MemorySchemaRegistry
) -> None:
    text = a_contract()
    await hear(desk, 0, written(1, text))
    await until(lambda: bool(desk.producer.sent))
    assert registry.register(SUBJECT, text) == 1
    await hear(desk, 1, written(1, text))
    await until(lambda: not desk.consumer.paused)
    assert [len(batch.offsets) for batch in desk.producer.batches] == [0, 1]


@pytest.mark.parametrize("change", [another_record, in_microseconds])
async def test_a_schema_that_is_not_the_contract_or_means_something_else_is_a_dead_letter(
    desk: Desk, registry: MemorySchemaRegistry, change: Callable[[object], None]
) -> None:
    text = a_contract(change)
    schema_id = registry.register(SUBJECT, text)
    await hear(desk, 0, written(schema_id, a_contract()))
    await until(lambda: bool(desk.producer.sent))
    assert [each.topic for each in desk.producer.sent].count(DEAD_LETTERS.name) == 1


async def test_more_ids_than_are_remembered_are_read_all_the_same(
    desk: Desk, registry: MemorySchemaRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_schemas, "ANSWERS_MAX", 2)
    texts = [a_contract(lambda raw, at=at: raw.update(doc=str(at))) for at in range(5)]
    ids = [registry.register(SUBJECT, text) for text in texts]
    await hear(desk, 0, *(written(i, text) for i, text in zip(ids, texts, strict=True)))
    await until(lambda: bool(desk.producer.sent))
    [batch] = desk.producer.batches
    assert len(batch.offsets) == 5


async def test_an_event_whose_schema_is_named_by_a_guid_in_a_header_is_a_row(
    desk: Desk, registry: MemorySchemaRegistry
) -> None:
    text = a_contract()
    registry.register(SUBJECT, text)
    named = b"\x01" + UUID(guid_of(text)).bytes
    body = written(7, text, minute=1)[5:]
    records = [
        ARecord(0, body, headers=[("__value_schema_id", named)]),
        ARecord(1, named + written(7, text, minute=2)[5:]),
    ]
    await desk.sequencer.sequence(AMessage(TP0, records))
    await until(lambda: bool(desk.producer.sent))
    [batch] = desk.producer.batches
    assert len(batch.offsets) == 2
    assert registry.asked == [guid_of(text)]
