"""An in-memory schema registry for tests: the twin of `HttpSchemaRegistry`."""

import json
from dataclasses import dataclass, field
from uuid import NAMESPACE_OID, uuid5

from streams.registry.schema_registry import Registered, SchemaText
from topics.compatibility import unreadable_pairs
from topics.errors import RegistryUnavailableError, SchemaRefusedError

FULL_TRANSITIVE = "FULL_TRANSITIVE"


def guid_of(text: str) -> str:
    """The GUID of a schema: equal texts have equal ones."""
    return str(uuid5(NAMESPACE_OID, text))


@dataclass
class MemorySchemaRegistry:
    """Supports FULL_TRANSITIVE; with any other compatibility level it refuses no schema."""

    is_away: bool = False
    asked: list[int | str] = field(default_factory=list)
    """Ids and GUIDs that were requested, in order."""
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Text of a schema → the schemas that it refers to."""
    _texts: list[str] = field(default_factory=list)
    _subjects: dict[str, list[Registered]] = field(default_factory=dict)
    _levels: dict[str, str] = field(default_factory=dict)

    def schema(self, schema_id: int | str) -> SchemaText | None:
        """See `SchemaRegistry`."""
        self._check()
        self.asked.append(schema_id)
        for at, text in enumerate(self._texts, 1):
            if schema_id in (at, guid_of(text)):
                return SchemaText(text, self.references.get(text, ()))
        return None

    def versions(self, subject: str) -> list[Registered]:
        """See `SchemaRegistry`."""
        self._check()
        return list(self._subjects.get(subject, ()))

    def register(self, subject: str, text: str) -> int:
        """See `SchemaRegistry`."""
        self._check()
        versions = self._subjects.get(subject, [])
        for each in versions:
            if each.text == text:
                return each.schema_id
        self._check_compatible(subject, [*versions, Registered(0, text)])
        if text not in self._texts:
            self._texts.append(text)
        found = Registered(self._texts.index(text) + 1, text)
        self._subjects[subject] = [*versions, found]
        return found.schema_id

    def _check_compatible(self, subject: str, versions: list[Registered]) -> None:
        try:
            schemas = [json.loads(each.text) for each in versions]
        except ValueError as error:
            raise SchemaRefusedError(
                f"{subject} refuses this: it is not an Avro schema."
            ) from error
        if self._levels.get(subject) == FULL_TRANSITIVE and unreadable_pairs(schemas):
            raise SchemaRefusedError(f"{subject} refuses this: it is not compatible.")

    def level(self, subject: str) -> str | None:
        """See `SchemaRegistry`."""
        self._check()
        return self._levels.get(subject)

    def set_level(self, subject: str, level: str) -> None:
        """See `SchemaRegistry`."""
        self._check()
        self._levels[subject] = level

    def _check(self) -> None:
        if self.is_away:
            raise RegistryUnavailableError("The schema registry is unavailable.")
