"""The interface of a schema registry; each call blocks for a round trip."""

from typing import NamedTuple, Protocol

VERSIONS_MAX = 1_000
"""Maximum number of versions of a subject that are compared; older ones are ignored."""


class Registered(NamedTuple):
    """A version of a subject: its id in the registry, and the schema as text."""

    schema_id: int
    text: str


REFERENCES_MAX = 64
"""Maximum number of schemas that a schema may refer to, directly and indirectly."""


class SchemaText(NamedTuple):
    """A schema as text, and the schemas that it refers to, each after those that it needs."""

    text: str
    references: tuple[str, ...] = ()


class SchemaRegistry(Protocol):
    """Every method raises `RegistryUnavailableError` if the registry does not answer."""

    def schema(self, schema_id: int | str) -> SchemaText | None:
        """The schema with this id, or this GUID; None if the registry does not have it.

        Raises `SchemaError` if the schema is not Avro, or refers to too many others.
        """
        ...

    def versions(self, subject: str) -> list[Registered]:
        """The newest versions of a subject, oldest first; empty if there is no such subject."""
        ...

    def register(self, subject: str, text: str) -> int:
        """Registers a schema as a version of the subject, and returns its id. Idempotent.

        Raises `SchemaRefusedError`.
        """
        ...

    def level(self, subject: str) -> str | None:
        """The subject's compatibility level; if it has none, None or the registry's default."""
        ...

    def set_level(self, subject: str, level: str) -> None:
        """Sets the compatibility level of an existing subject."""
        ...
