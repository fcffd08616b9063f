"""The schema registry of the settings, and the contracts that it ought to have.

Subjects are Confluent's TopicNameStrategy: the topic's name and `-value`.
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
"""Those that others write or read; all others have fixed ids alone: replay needs no registry."""
_PROBLEMS_SHOWN = 5


def registry_of(settings: Settings) -> SchemaRegistry | None:
    """The registry that is set, None where none is; does not connect."""
    url = settings.schema_registry.get_secret_value()
    return HttpSchemaRegistry(url) if url else None


def subject_of(topic: Topic) -> str:
    """Under which name a registry has the values of a topic.

    >>> subject_of(LISTENING_EVENTS)
    'listening-events-value'
    """
    return f"{topic.name}-value"


def contract_text(topic: Topic) -> str:
    """The newest release of a topic's only contract, as it is registered."""
    [name] = topic.contracts
    return json.dumps(released_text(current(name)), ensure_ascii=False, separators=(",", ":"))


def registered_id(registry: SchemaRegistry, topic: Topic) -> int | None:
    """Id in the registry of the newest release of a topic's contract; None: not registered."""
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
    """What a subject lacks; an `obstacle` is a registered version that keeps the contract out."""

    topic: Topic
    versions: int
    is_registered: bool
    level: str | None
    obstacle: str = ""

    @property
    def subject(self) -> str:
        """Its name."""
        return subject_of(self.topic)

    def lines(self) -> list[str]:
        """The difference in words, one change a line."""
        [contract] = self.topic.contracts
        lines = []
        if not self.is_registered:
            told = f"{contract}.v{current(contract).version} as version {self.versions + 1}"
            lines.append(f"{'~' if self.versions else '+'} {self.subject}: {told}")
        if self.level != LEVEL:
            lines.append(f"~ {self.subject}: compatibility {self.level or 'unset'} → {LEVEL}")
        return [*lines, f"! {self.subject}: {self.obstacle}"] if self.obstacle else lines


def compare(registry: SchemaRegistry) -> list[SubjectDifference]:
    """What the registry lacks of the contracts; empty where nothing."""
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
    """Why the contract cannot stand beside what is registered already; empty where it can."""
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
    except Exception as error:  # it is no Avro: whatever the parser says of it
        return [f"it is no Avro schema: {error!r}"[:200]]


def apply(registry: SchemaRegistry) -> list[SubjectDifference]:
    """Registers and sets what `compare` found, and returns it.

    Raises `SchemaError` before it changes anything where a registered version keeps a contract out.
    """
    found = compare(registry)
    if obstacles := [each for each in found if each.obstacle]:
        raise SchemaError(
            "; ".join(f"{each.subject}: {each.obstacle}" for each in obstacles) + ".",
            "Delete the subject's versions in the registry if nothing was written with them, else "
            "give their writers another topic: every version has to read every other.",
        )
    for each in found:
        _mend(registry, each)
    return found


def _mend(registry: SchemaRegistry, difference: SubjectDifference) -> None:
    """A subject that exists gets its level first, so that the registry refuses what breaks it."""
    subject = difference.subject
    if difference.versions and difference.level != LEVEL:
        registry.set_level(subject, LEVEL)
    if not difference.is_registered:
        registry.register(subject, contract_text(difference.topic))
    if not difference.versions:
        registry.set_level(subject, LEVEL)
