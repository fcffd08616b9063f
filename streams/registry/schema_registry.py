"""What is asked of a schema registry, whichever keeps it; calls block for a round trip."""

from typing import NamedTuple, Protocol

VERSIONS_MAX = 1_000
"""Of one subject; more are not compared."""


class Registered(NamedTuple):
    """A version of a subject: its id in the registry, and the schema as text."""

    schema_id: int
    text: str


class SchemaRegistry(Protocol):
    """Every method raises `RegistryAwayError` while there is no answer."""

    def schema(self, schema_id: int) -> str | None:
        """Text of the schema with this id; None for an id that the registry does not know.

        Raises `SchemaError` for a schema that is not Avro or is made of several.
        """
        ...

    def versions(self, subject: str) -> list[Registered]:
        """All versions of a subject, oldest first; none where there is no such subject."""
        ...

    def register(self, subject: str, text: str) -> int:
        """Id of the schema, which is a version of the subject then; twice changes nothing more.

        Raises `SchemaRefusedError`.
        """
        ...

    def level(self, subject: str) -> str | None:
        """The level set for the subject; where none is, None or the registry's own."""
        ...

    def set_level(self, subject: str, level: str) -> None:
        """Sets the compatibility level of a subject that exists."""
        ...
