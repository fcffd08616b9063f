"""Makes writer schemas for the `Decoder` from schemas of a schema registry. Pure.

A contract is identified by its full name. Logical types are removed, because the contracts have
none. This keeps the meaning of values in milliseconds or text; other units are refused.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import fastavro

from topics.avro_bounds import check_json, check_schema
from topics.errors import SchemaError
from topics.schemas import ReleasedSchema, current, released_schemas

SCHEMA_BYTES_MAX = 1024 * 1024
SAME_AS_PLAIN = frozenset({"timestamp-millis", "local-timestamp-millis", "time-millis", "uuid"})


def writer_schema(
    schema_id: int | str, text: str, references: Sequence[str] = ()
) -> ReleasedSchema:
    """The schema `text` of a registry's `schema_id`; `version` is 0, as it was released elsewhere.

    `references` are the texts of schemas that it refers to, each after those that it needs.
    Raises `SchemaError` if it is no Avro record, is beyond a bound, or is a contract with a field
    in another unit. Any other record keeps its full name, which no topic allows.

    >>> writer_schema(7, '{"type": "record", "name": "shop.Order", "fields": []}').name
    'shop.Order'
    """
    try:
        return _writer_schema(
            schema_id, json.loads(text), [json.loads(each) for each in references]
        )
    except SchemaError as error:
        raise SchemaError(f"Schema id {schema_id} cannot be used. {error.message}") from error
    except Exception as error:  # the error is permanent, because the schema of an id never changes
        raise SchemaError(f"Schema id {schema_id} is no Avro schema: {error!r}"[:500]) from error


def _writer_schema(schema_id: int | str, raw: Any, references: list[Any]) -> ReleasedSchema:
    check_json([*references, raw])
    named: dict[str, Any] = {}
    for each in references:
        fastavro.parse_schema(_plain(each), named_schemas=named)
    parsed = dict(fastavro.parse_schema(_plain(raw), named_schemas=named))
    if parsed.get("type") != "record":
        raise SchemaError(f"It is no record but {parsed.get('type')}.")
    contract = _contract(parsed["name"])
    for field, unit in _other_units(contract, raw) if contract else ():
        raise SchemaError(f"It has {field} in {unit}, which no reader asks for.")
    needs_walk = check_schema(parsed)
    known_id = schema_id if isinstance(schema_id, int) else 0
    return ReleasedSchema(known_id, contract or parsed["name"], 0, parsed, needs_walk)


def _plain(schema: Any) -> Any:
    """`schema` without logical types, and without attributes by which fastavro trusts a schema."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = ((key, value) for key, value in schema.items() if key != "logicalType")
    return {key: _plain(value) for key, value in kept if not key.startswith("__")}


def _contract(full_name: str) -> str:
    """Name of the contract with this full name; empty if there is none."""
    contracts = {each.schema["name"]: each.name for each in released_schemas().values()}
    return contracts.get(full_name, "")


def _other_units(contract: str, raw: Any) -> Iterator[tuple[str, str]]:
    """Fields of the contract whose logical type has another unit."""
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
