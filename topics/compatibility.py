"""Whether a contract may change so: FULL_TRANSITIVE, every version reads every other."""

import json
from collections.abc import Sequence
from typing import Any

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from topics.schemas import raw_schema, released_schemas, released_text


def incompatibilities(versions: Sequence[Any]) -> list[str]:
    """What breaks between any two of `versions` (schemas as JSON values), in both directions."""
    problems: list[str] = []
    for reader_at, reader in enumerate(versions):
        for writer_at, writer in enumerate(versions):
            if reader_at != writer_at:
                problems += _unreadable(reader, writer, reader_at, writer_at)
    return problems


def _unreadable(reader: Any, writer: Any, reader_at: int, writer_at: int) -> list[str]:
    result = ReaderWriterCompatibilityChecker().get_compatibility(
        parse(json.dumps(reader)), parse(json.dumps(writer))
    )
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    where = f"version {reader_at + 1} cannot read version {writer_at + 1}"
    return [f"{where}: {message}" for message in sorted(result.messages)] or [where]


def contract_incompatibilities(name: str) -> list[str]:
    """What keeps the contract in `avro/` from being FULL_TRANSITIVE with all its releases."""
    history = sorted(
        (each for each in released_schemas().values() if each.name == name),
        key=lambda each: each.version,
    )
    return incompatibilities([*(released_text(each) for each in history), raw_schema(name)])
