"""Schema evolution: checks that all versions of a contract read each other with equal meaning.

Avro's FULL_TRANSITIVE allows a field to be renamed, a string to become bytes, and an enum to be
reordered. None of these is an error, and all of them lose data. The log is kept for ever, so a
released field also keeps its name, type and default, and an enum only grows at its end.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations
from typing import Any

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from topics.schemas import raw_schema, released_schemas, released_text

_NONE = object()


def incompatibilities(versions: Sequence[Any]) -> list[str]:
    """Incompatibilities between any two of `versions` (schemas as JSON values, oldest first)."""
    problems = unreadable_pairs(versions)
    for at, (older, newer) in enumerate(pairwise(versions)):
        problems += [f"version {at + 2}: {each}" for each in _departures(older, newer, "")]
    return problems


def unreadable_pairs(versions: Sequence[Any]) -> list[str]:
    """Pairs of `versions` that cannot read each other by Avro's rules alone (FULL_TRANSITIVE)."""
    return [
        problem
        for (reader_at, reader), (writer_at, writer) in permutations(enumerate(versions), 2)
        for problem in _unreadable(reader, writer, f"version {reader_at + 1}", writer_at + 1)
    ]


def _unreadable(reader: Any, writer: Any, who: str, writer_version: int) -> list[str]:
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    result = checker.get_compatibility(parse(json.dumps(reader)), parse(json.dumps(writer)))
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    where = f"{who} cannot read version {writer_version}"
    return [f"{where}: {message}" for message in sorted(result.messages)] or [where]


def _departures(older: Any, newer: Any, path: str) -> Iterator[str]:
    kind = older.get("type") if isinstance(older, dict) else None
    if kind is None or not isinstance(newer, dict) or newer.get("type") != kind:
        if older != newer:
            yield f"{path or 'the contract'} changes its type from {older} to {newer}"
    elif kind == "record":
        yield from _departed_fields(older, newer, path)
    elif kind == "enum":
        yield from _departed_symbols(older, newer, path)
    elif kind == "array":
        yield from _departures(older["items"], newer["items"], f"{path}[]")


def _departed_fields(older: Any, newer: Any, path: str) -> Iterator[str]:
    found = {field["name"]: field for field in newer["fields"]}
    for field in older["fields"]:
        where = f"{path}.{field['name']}".lstrip(".")
        new = found.get(field["name"])
        if new is None:
            yield f"{where} is gone"
            continue
        if field.get("default", _NONE) != new.get("default", _NONE):
            yield f"{where} changes its default"
        yield from _departures(field["type"], new["type"], where)


def _departed_symbols(older: Any, newer: Any, path: str) -> Iterator[str]:
    known = older["symbols"]
    if newer["symbols"][: len(known)] != known:
        yield f"{path} may only append symbols: positions are kept in the log"
    if older.get("default") != newer.get("default"):
        yield f"{path} changes its default symbol"
    if newer["symbols"] != known and newer.get("default") is None:
        yield f"{path} has a new symbol that an older reader cannot replace by a default"


def contract_incompatibilities(name: str) -> list[str]:
    """Incompatibilities of the contract in `avro/` with all its releases."""
    history = sorted(
        (each for each in released_schemas().values() if each.name == name),
        key=lambda each: each.version,
    )
    return incompatibilities([*(released_text(each) for each in history), raw_schema(name)])
