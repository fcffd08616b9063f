"""The configured schema registry, and the contracts that have to be registered in it.

Subjects follow Confluent's TopicNameStrategy: the topic's name and `-value`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.registry.http_schema_registry import HttpSchemaRegistry
from streams.registry.schema_registry import Registered, SchemaRegistry
from streams.settings import Settings
from topics.catalogue import LISTENING_EVENTS, RECOMMENDATIONS, Topic
from topics.compatibility import unreadable_pairs
from topics.errors import SchemaError
from topics.schemas import current, released_text

LEVEL = "FULL_TRANSITIVE"
REGISTERED_TOPICS = (LISTENING_EVENTS, RECOMMENDATIONS)
"""Topics that other programs write or read. All others use fixed ids: replay needs no registry."""
_PROBLEMS_SHOWN = 5


def registry_of(settings: Settings) -> SchemaRegistry | None:
    """The configured registry, None if none is configured; does not connect."""
    url = settings.schema_registry.get_secret_value()
    ca_location = str(settings.schema_registry_ssl_ca_location or "")
    return HttpSchemaRegistry(url, ca_location=ca_location) if url else None


def subject_of(topic: Topic) -> str:
    """The registry's subject for the values of a topic.

    >>> subject_of(LISTENING_EVENTS)
    'listening-events-value'
    """
    return f"{topic.name}-value"


def contract_text(topic: Topic) -> str:
    """The newest release of a topic's only contract, as the text that is registered."""
    [name] = topic.contracts
    return json.dumps(released_text(current(name)), ensure_ascii=False, separators=(",", ":"))


def registered_id(registry: SchemaRegistry, topic: Topic) -> int | None:
    """The registry's id of the newest release of a topic's contract; None if unregistered."""
    return _id_in(registry.versions(subject_of(topic)), topic)


def _id_in(versions: Sequence[Registered], topic: Topic) -> int | None:
    wanted = json.loads(contract_text(topic))
    return next((each.schema_id for each in versions if _parsed(each) == wanted), None)


def _parsed(version: Registered) -> Any:
    try:
        return json.loads(version.text)
    except ValueError:
        return None


@dataclass(frozen=True)
class SubjectDifference:
    """What is missing in a subject; `obstacle` names conflicting registered versions."""

    topic: Topic
    versions: int
    is_registered: bool
    level: str | None
    obstacle: str = ""

    @property
    def subject(self) -> str:
        """Name of the subject."""
        return subject_of(self.topic)

    def lines(self) -> list[str]:
        """The difference in words, one change a line."""
        [contract] = self.topic.contracts
        lines = []
        if not self.is_registered:
            change = f"{contract}.v{current(contract).version} as version {self.versions + 1}"
            lines.append(f"{'~' if self.versions else '+'} {self.subject}: {change}")
        if self.level != LEVEL:
            lines.append(f"~ {self.subject}: compatibility {self.level or 'unset'} → {LEVEL}")
        return [*lines, f"! {self.subject}: {self.obstacle}"] if self.obstacle else lines


def compare(registry: SchemaRegistry) -> list[SubjectDifference]:
    """The contracts and levels that are missing in the registry; empty if there are none."""
    found = [_compared(registry, topic) for topic in REGISTERED_TOPICS]
    return [each for each in found if each.lines()]


def _compared(registry: SchemaRegistry, topic: Topic) -> SubjectDifference:
    subject = subject_of(topic)
    versions = registry.versions(subject)
    level = registry.level(subject)
    is_registered = _id_in(versions, topic) is not None
    obstacle = "" if is_registered else _obstacle(versions, topic)
    return SubjectDifference(topic, len(versions), is_registered, level, obstacle)


def _obstacle(versions: Sequence[Registered], topic: Topic) -> str:
    """Why the contract is incompatible with registered versions; empty if it is compatible."""
    wanted = json.loads(contract_text(topic))
    problems = [
        f"registered schema {each.schema_id} and the contract cannot read each other: {problem}"
        for each in versions
        for problem in _problems(each, wanted)
    ]
    more = f" ({len(problems) - _PROBLEMS_SHOWN} more)" if len(problems) > _PROBLEMS_SHOWN else ""
    return "; ".join(problems[:_PROBLEMS_SHOWN]) + more


def _problems(version: Registered, wanted: Any) -> list[str]:
    try:
        return unreadable_pairs([json.loads(version.text), wanted])
    except Exception as error:  # not Avro: any error of the parser
        return [f"it is no Avro schema: {error!r}"[:200]]


def apply(registry: SchemaRegistry) -> list[SubjectDifference]:
    """Registers the contracts and sets the levels that `compare` returns; returns them, too.

    Raises `SchemaError`, before any change, if a registered version is incompatible with a
    contract.
    """
    found = compare(registry)
    if obstacles := [each for each in found if each.obstacle]:
        raise SchemaError(
            "; ".join(f"{each.subject}: {each.obstacle}" for each in obstacles) + ".",
            "Delete the subject's versions in the registry if nothing was written with them. "
            "Otherwise give their writers another topic: every version has to read every other.",
        )
    for each in found:
        _apply_one(registry, each)
    return found


def _apply_one(registry: SchemaRegistry, difference: SubjectDifference) -> None:
    """Sets the level of an existing subject first: the registry then refuses violations of it."""
    subject = difference.subject
    if difference.versions and difference.level != LEVEL:
        registry.set_level(subject, LEVEL)
    if not difference.is_registered:
        registry.register(subject, contract_text(difference.topic))
    if not difference.versions:
        registry.set_level(subject, LEVEL)
