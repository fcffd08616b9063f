"""The Avro contracts; this is the only module that reads `avro/`.

Every released schema has a fixed id from 1,000,000,000 on, for ever (`avro/ids.json`), so that
the learning-log can be read without any registry. A registry's own ids are below that range.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import fastavro

from topics.errors import SchemaError

FIXED_IDS_FROM = 1_000_000_000

Schema = dict[str, Any]


@dataclass(frozen=True)
class ReleasedSchema:
    """A released schema, which never changes again."""

    schema_id: int
    """0 if a registry knows the schema by a GUID."""
    name: str
    version: int
    schema: Schema
    needs_walk: bool = False
    """Whether the bytes of a record decide how much there is to decode (`avro_bounds`)."""


def avro_folder() -> Path:
    """Folder of the contracts: `topics/avro` in a wheel, `avro` in a checkout."""
    inside = Path(__file__).parent / "avro"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "avro"


@cache
def released_schemas() -> dict[int, ReleasedSchema]:
    """Fixed id → released schema, for every version of every contract."""
    folder = avro_folder()
    table: dict[str, str] = json.loads((folder / "ids.json").read_text("utf-8"))
    return {
        int(schema_id): _released(folder, int(schema_id), name) for schema_id, name in table.items()
    }


def _released(folder: Path, schema_id: int, name: str) -> ReleasedSchema:
    record, _, version = name.partition(".v")
    raw = json.loads((folder / "released" / f"{name}.avsc").read_text("utf-8"))
    return ReleasedSchema(schema_id, record, int(version), _parsed(raw))


def released_text(schema: ReleasedSchema) -> Any:
    """The JSON value of a released schema."""
    path = avro_folder() / "released" / f"{schema.name}.v{schema.version}.avsc"
    return json.loads(path.read_text("utf-8"))


def _parsed(raw: Any) -> Schema:
    return dict(fastavro.parse_schema(raw, named_schemas={}))


def raw_schema(name: str) -> Any:
    """The current contract `name` in `avro/`, unparsed."""
    path = avro_folder() / f"{name}.avsc"
    if not path.is_file():
        raise SchemaError(f"There is no contract {name!r} in avro/.", "See avro/README.md.")
    return json.loads(path.read_text("utf-8"))


@cache
def current(name: str) -> ReleasedSchema:
    """The newest released version of the contract `name`."""
    versions = [each for each in released_schemas().values() if each.name == name]
    if not versions:
        raise SchemaError(f"The contract {name!r} was never released.", "Add it to avro/ids.json.")
    return max(versions, key=lambda each: each.version)


def released(schema_id: int | str) -> ReleasedSchema:
    """The released schema with this fixed id.

    >>> released(1_000_000_000).name
    'ListeningEvent'
    """
    try:
        return released_schemas()[int(schema_id)]
    except (KeyError, ValueError):
        raise SchemaError(
            f"Schema id {schema_id} is not in avro/ids.json.", "A newer version wrote it: upgrade."
        ) from None
