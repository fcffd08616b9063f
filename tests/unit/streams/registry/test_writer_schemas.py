"""Writers' schemas, for those who read the past and for those who read what comes."""

import json
import threading

import pytest

from streams.registry import writer_schemas
from streams.registry.memory_schema_registry import MemorySchemaRegistry
from streams.registry.schema_registry import SchemaText
from streams.registry.writer_schemas import ArchivedSchemas, SchemaNotFetchedError, WriterSchemas
from tests.support.records import ARecord
from tests.support.registered import a_contract
from topics.errors import RegistryUnavailableError, SchemaError
from topics.schemas import FIXED_IDS_FROM


def test_the_past_is_read_with_what_the_registry_has() -> None:
    registry = MemorySchemaRegistry()
    schema_id = registry.register("listening-events-value", a_contract())
    assert ArchivedSchemas(registry).lookup(schema_id).name == "ListeningEvent"


def test_a_registry_that_was_away_once_is_not_asked_again_and_fixed_ids_are_read() -> None:
    registry = MemorySchemaRegistry()
    schema_id = registry.register("listening-events-value", a_contract())
    registry.is_away = True
    past = ArchivedSchemas(registry)
    with pytest.raises(RegistryUnavailableError):
        past.lookup(schema_id)
    registry.is_away = False
    with pytest.raises(RegistryUnavailableError):
        past.lookup(schema_id)
    assert past.lookup(FIXED_IDS_FROM).name == "ListeningEvent"


def test_of_the_past_an_id_is_asked_for_once_whatever_the_answer() -> None:
    registry = MemorySchemaRegistry()
    known = registry.register("listening-events-value", a_contract())
    past = ArchivedSchemas(registry)
    for _ in range(3):
        past.lookup(known)
        with pytest.raises(SchemaError, match="12345"):
            past.lookup(12345)
    assert sorted(registry.asked) == [known, 12345]


@pytest.mark.parametrize("schemas", [ArchivedSchemas(None), WriterSchemas()])
def test_without_a_registry_its_ids_are_unknown_and_the_setting_is_named(
    schemas: ArchivedSchemas | WriterSchemas,
) -> None:
    with pytest.raises(SchemaError, match="ECHOTUNE_SCHEMA_REGISTRY"):
        schemas.lookup(7)


class PairingRegistry(MemorySchemaRegistry):
    """A registry that answers nobody before a second one asks."""

    pairs = threading.Barrier(2)

    def schema(self, schema_id: int | str) -> SchemaText | None:
        self.pairs.wait(10.0)
        return super().schema(schema_id)


def a_record(schema_id: int) -> ARecord:
    return ARecord(0, b"\x00" + schema_id.to_bytes(4, "big") + b"anything")


async def test_many_unknown_ids_are_asked_for_side_by_side_and_twice_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer_schemas, "UNKNOWN_AGAIN_S", 0.0)
    registry = PairingRegistry()
    schemas = WriterSchemas(registry)
    await schemas.fetch([a_record(at) for at in range(1, 51)])
    assert sorted(registry.asked) == sorted([*range(1, 51), *range(1, 51)])
    with pytest.raises(SchemaError):
        schemas.lookup(50)


async def test_a_chunk_with_more_schemas_than_are_remembered_is_read_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer_schemas, "ANSWERS_MAX", 3)
    registry = MemorySchemaRegistry()
    ids = [registry.register(f"s{at}", a_schema(f"s.R{at}")) for at in range(6)]
    schemas = WriterSchemas(registry)
    await schemas.fetch([a_record(each) for each in ids[:2]])
    await schemas.fetch([a_record(each) for each in ids[1:]])
    assert [schemas.lookup(each).name for each in ids[1:]] == [f"s.R{at}" for at in range(1, 6)]
    with pytest.raises(SchemaNotFetchedError):
        schemas.lookup(ids[0])


def a_schema(name: str) -> str:
    return json.dumps({"type": "record", "name": name, "fields": []})
