"""Schemas for those who read the past: asked for at once, and a registry that is away only once."""

import pytest

from streams.stores.memory_schema_registry import MemorySchemaRegistry
from streams.stores.schema_registry import RegistryAwayError
from streams.writer_schemas import PastSchemas, WriterSchemas
from tests.support.registered import a_contract
from topics.errors import SchemaError
from topics.schemas import FIXED_IDS_FROM


def test_the_past_is_read_with_what_the_registry_has() -> None:
    registry = MemorySchemaRegistry()
    schema_id = registry.register("listening-events-value", a_contract())
    assert PastSchemas(registry).lookup(schema_id).name == "ListeningEvent"


def test_a_registry_that_was_away_once_is_not_asked_again_and_fixed_ids_are_read() -> None:
    registry = MemorySchemaRegistry()
    schema_id = registry.register("listening-events-value", a_contract())
    registry.is_away = True
    past = PastSchemas(registry)
    with pytest.raises(RegistryAwayError):
        past.lookup(schema_id)
    registry.is_away = False
    with pytest.raises(RegistryAwayError):
        past.lookup(schema_id)
    assert past.lookup(FIXED_IDS_FROM).name == "ListeningEvent"


@pytest.mark.parametrize("schemas", [PastSchemas(None), WriterSchemas()])
def test_without_a_registry_its_ids_are_unknown_and_the_setting_is_named(
    schemas: PastSchemas | WriterSchemas,
) -> None:
    with pytest.raises(SchemaError, match="ECHOTUNE_SCHEMA_REGISTRY"):
        schemas.lookup(7)
