"""The contracts beside a registry: what it lacks is told, mended once, or refused untouched."""

import json
from collections.abc import Callable

import pytest

from streams.registry.contracts import LEVEL, apply, compare, registered_id
from streams.registry.memory_schema_registry import MemorySchemaRegistry
from tests.support.registered import a_contract, another_record, with_a_mood, without_listener
from topics.catalogue import LISTENING_EVENTS, RECOMMENDATIONS
from topics.errors import SchemaError

SUBJECT = "listening-events-value"


@pytest.fixture
def registry() -> MemorySchemaRegistry:
    return MemorySchemaRegistry()


def told(registry: MemorySchemaRegistry) -> list[str]:
    return [line for each in compare(registry) for line in each.lines()]


def test_an_empty_registry_lacks_both_contracts_and_their_levels(
    registry: MemorySchemaRegistry,
) -> None:
    assert told(registry) == [
        "+ listening-events-value: ListeningEvent.v3 as version 1",
        "~ listening-events-value: compatibility unset → FULL_TRANSITIVE",
        "+ recommendations-value: RecommendationList.v1 as version 1",
        "~ recommendations-value: compatibility unset → FULL_TRANSITIVE",
    ]


def test_applying_mends_all_and_applying_again_nothing(registry: MemorySchemaRegistry) -> None:
    assert apply(registry)
    assert registered_id(registry, LISTENING_EVENTS) == 1
    assert registered_id(registry, RECOMMENDATIONS) == 2
    assert apply(registry) == []


def test_a_contract_that_a_producer_registered_in_other_words_is_the_contract(
    registry: MemorySchemaRegistry,
) -> None:
    schema_id = registry.register(SUBJECT, json.dumps(json.loads(a_contract()), indent=4))
    apply(registry)
    assert registered_id(registry, LISTENING_EVENTS) == schema_id
    assert registry.level(SUBJECT) == LEVEL


def test_a_compatible_version_of_a_producer_stays_beside_the_contract(
    registry: MemorySchemaRegistry,
) -> None:
    registry.register(SUBJECT, a_contract(with_a_mood))
    assert told(registry)[0] == f"~ {SUBJECT}: ListeningEvent.v3 as version 2"
    apply(registry)
    assert len(registry.versions(SUBJECT)) == 2


@pytest.mark.parametrize("change", [without_listener, another_record, None])
def test_a_registered_schema_that_keeps_the_contract_out_is_named_and_nothing_changes(
    registry: MemorySchemaRegistry, change: Callable[[object], None] | None
) -> None:
    registry.register(SUBJECT, a_contract(change) if change else '{"type": "nothing"}')
    with pytest.raises(SchemaError, match=rf"{SUBJECT}: registered schema 1 .*"):
        apply(registry)
    assert registry.level(SUBJECT) is None
    assert registry.versions("recommendations-value") == []
    assert told(registry)[2].startswith(f"! {SUBJECT}: registered schema 1")
