"""The doctor asks the schema registry that is set, and says what became of it."""

import pytest

from streams.addresses import Addresses
from streams.doctor.checks.all_checks import examined
from streams.doctor.collect import collect_facts
from streams.doctor.findings import Finding, Level
from streams.registry.memory_schema_registry import MemorySchemaRegistry
from streams.settings import Settings
from topics.errors import RegistryUnavailableError


class AwayRegistry(MemorySchemaRegistry):
    """A registry that refuses every question."""

    def level(self, subject: str) -> str | None:
        raise RegistryUnavailableError("It refuses this client: 401.", "Is the password right?")


def said_of(registry: object, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """What the doctor says of a registry, whatever it says of servers that are not asked."""
    monkeypatch.setattr("streams.doctor.collect.registry_of", lambda _: registry)
    monkeypatch.setattr("streams.doctor.collect._kafka", lambda *_: None)
    monkeypatch.setattr("streams.doctor.collect._redis", asked_nothing)
    facts = collect_facts(Settings(), Addresses(kafka="", redis="", mongo=""))
    [found] = [each for each in examined(facts) if each.check == "registry"]
    return found


async def asked_nothing(*_: object) -> None:
    """A server that is left out."""


def test_a_registry_that_answers_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said_of(MemorySchemaRegistry(), monkeypatch).says == "answers"


def test_a_registry_that_refuses_is_quoted_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    found = said_of(AwayRegistry(), monkeypatch)
    assert (found.level, found.says) == (Level.WARNING, "It refuses this client: 401.")
    assert found.remedy == "Is the password right?"


def test_without_a_registry_nothing_is_to_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said_of(None, monkeypatch) == Finding(
        "registry", Level.OK, "not set: schemas have fixed ids"
    )
