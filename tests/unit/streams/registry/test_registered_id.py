"""The id of a contract is asked of the registry until it is known, or nobody wants it any more."""

from threading import Event

from streams.registry.contracts import apply, registered_id
from streams.registry.memory_schema_registry import MemorySchemaRegistry
from streams.registry.registered_id import RegisteredId
from topics.catalogue import RECOMMENDATIONS


class PauseThat(Event):
    """An event whose waits take no time and call `then` instead."""

    def __init__(self, then: object) -> None:
        super().__init__()
        self._then = then

    def wait(self, timeout: float | None = None) -> bool:
        assert callable(self._then)
        self._then(self)
        return self.is_set()


def test_without_a_registry_values_bear_the_fixed_ids() -> None:
    found = RegisteredId(None, RECOMMENDATIONS)
    assert found.wait(Event())
    assert (found.value, found.error) == (None, None)


def test_the_id_of_a_registered_contract_is_found_at_once() -> None:
    registry = MemorySchemaRegistry()
    apply(registry)
    found = RegisteredId(registry, RECOMMENDATIONS)
    assert found.wait(Event())
    assert found.value == registered_id(registry, RECOMMENDATIONS)


def test_a_contract_that_is_registered_later_is_awaited() -> None:
    registry = MemorySchemaRegistry()
    found = RegisteredId(registry, RECOMMENDATIONS)
    errors = []

    def registered(_: Event) -> None:
        errors.append(found.error)
        apply(registry)

    assert found.wait(PauseThat(registered))
    assert errors == ["recommendations-value lacks the contract"]
    assert (found.value is None, found.error) == (False, None)


def test_the_wait_ends_with_the_writer_while_the_registry_is_away() -> None:
    found = RegisteredId(MemorySchemaRegistry(is_away=True), RECOMMENDATIONS)
    assert not found.wait(PauseThat(Event.set))
    assert found.value is None
    assert found.error
