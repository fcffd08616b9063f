"""Schemas that others registered: from a registry's answer to what the `Decoder` reads with. Pure.

A contract is known by its full name. Logical types are taken off, for the contracts have none: the
plain value is what they mean where it is in milliseconds or text, and another unit is refused.
"""

import json
from collections.abc import Iterator
from typing import Any

import fastavro

from topics.errors import SchemaError
from topics.schemas import ReleasedSchema, current, released_schemas

SCHEMA_BYTES_MAX = 1024 * 1024
SAME_AS_PLAIN = frozenset({"timestamp-millis", "local-timestamp-millis", "time-millis", "uuid"})


def writer_schema(schema_id: int, text: str) -> ReleasedSchema:
    """What a registry has under `schema_id`; its `version` is 0, since it was released elsewhere.

    Raises `SchemaError` for what is no Avro record, and for a contract with a field in another
    unit. Any other record keeps its full name, which no topic allows.

    >>> writer_schema(7, '{"type": "record", "name": "shop.Order", "fields": []}').name
    'shop.Order'
    """
    try:
        raw = json.loads(text)
        parsed = dict(fastavro.parse_schema(_plain(raw), named_schemas={}))
    except Exception as error:  # whatever is wrong with it, it stays so: ids never change
        raise SchemaError(f"Schema id {schema_id} is no Avro schema: {error!r}"[:500]) from error
    if parsed.get("type") != "record":
        raise SchemaError(f"Schema id {schema_id} is no record but {parsed.get('type')}.")
    contract = _contract(parsed["name"])
    for field, unit in _other_units(contract, raw) if contract else ():
        raise SchemaError(f"Schema id {schema_id} has {field} in {unit}, which no reader asks for.")
    return ReleasedSchema(schema_id, contract or parsed["name"], 0, parsed)


def _plain(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _plain(value) for key, value in schema.items() if key != "logicalType"}


def _contract(full_name: str) -> str:
    """Name of the contract of this full name, empty where there is none."""
    contracts = {each.schema["name"]: each.name for each in released_schemas().values()}
    return contracts.get(full_name, "")


def _other_units(contract: str, raw: Any) -> Iterator[tuple[str, str]]:
    """Fields that the contract has, with a logical type that says more than it does."""
    known = {field["name"] for field in current(contract).schema["fields"]}
    for field in raw.get("fields", ()):
        if field["name"] in known:
            for unit in _logical_types(field["type"]):
                if unit not in SAME_AS_PLAIN:
                    yield field["name"], unit


def _logical_types(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _logical_types(each)
    elif isinstance(schema, dict):
        if "logicalType" in schema:
            yield str(schema["logicalType"])
        yield from _logical_types([value for key, value in schema.items() if key != "default"])
