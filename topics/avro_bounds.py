"""Bounds of what a foreign writer's schema may make a native decoder do. Pure.

fastavro decodes in C: a record that nests as deep as it is long ends the process, and an array of a
billion values without a byte takes all of its memory. A schema of a registry is therefore bounded
when it is fetched (`check_schema`). If the bytes of a record decide how much there is to decode, as
with arrays, maps and recursion, a `Walk` follows them in Python before fastavro does. Schemas
without these, such as every contract of events, need no walk.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from topics.errors import SchemaError

JSON_DEPTH_MAX = 100
"""Maximum nesting of objects and lists in the text of a schema."""
PARTS_MAX = 5_000
"""Maximum number of objects, lists and texts in a schema."""
VALUES_MAX = 1_024
"""Maximum number of values in a record, at any depth: about a millisecond of a walk."""
UNWALKED_VALUES_MAX = 512
"""Maximum number of values, and so maximum nesting, that fastavro decodes without a walk."""
DEPTH_MAX = 64
"""Maximum nesting of records, lists and maps in a record."""
WALKED_BYTES_MAX = 1024 * 1024
FIXED_BYTES_MAX = 1024 * 1024
_VARINT_BITS_MAX = 64
_INT64 = 1 << 63
_WIDTHS = {"null": 0, "boolean": 1, "float": 4, "double": 8}
_PLAIN = frozenset({*_WIDTHS, "int", "long", "string", "bytes"})
_RECORDS = ("record", "error")
_NAMED = (*_RECORDS, "enum", "fixed")
_CONTAINERS = {"array": ("items",), "map": ("values",)}

Named = Mapping[str, Any]
"""Full name → the definition of a record, enum or fixed."""


class BoundsError(ValueError):
    """A record is beyond a bound, or is no record of its schema."""


# -- schemas ---------------------------------------------------------------------------------------


def check_json(raw: Any) -> None:
    """Raises `SchemaError` if a schema nests too deep or has too many parts."""
    parts, level = 0, [raw]
    for _ in range(JSON_DEPTH_MAX):
        parts += len(level)
        if parts > PARTS_MAX:
            raise SchemaError(f"It has more than {PARTS_MAX:,} parts.")
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return
    raise SchemaError(f"It nests deeper than {JSON_DEPTH_MAX} levels.")


def _inner(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        yield from part.values()
    elif isinstance(part, list):
        yield from part


def check_schema(schema: Any) -> bool:
    """Whether records of a parsed schema need a `Walk`; `SchemaError` if each is beyond a bound."""
    values = _Count(named_types(schema)).values(schema)
    if values is None:
        return True
    if values > VALUES_MAX:
        raise SchemaError(f"Each of its records has more than {VALUES_MAX:,} values.")
    return values > UNWALKED_VALUES_MAX


def named_types(schema: Any) -> dict[str, Any]:
    """The named types of a parsed schema, by full name; also those of schemas it refers to."""
    given = schema.get("__named_schemas") if isinstance(schema, dict) else None
    if isinstance(given, dict):  # fastavro's own, by which it reads
        return given
    found: dict[str, Any] = {}
    left = [schema]
    while left:
        part = left.pop()
        if isinstance(part, dict) and kind_of(part) in _NAMED:
            found[part["name"]] = part
        left += _types_within(part)
    return found


def _types_within(part: Any) -> list[Any]:
    """The types that a type refers to directly; not what looks like one in a default or a doc."""
    if isinstance(part, list):
        return part
    if not isinstance(part, dict):
        return []
    fields = [field["type"] for field in part["fields"]] if kind_of(part) in _RECORDS else []
    return fields + [part[key] for key in _CONTAINERS.get(kind_of(part), ())]


class _Count:
    """Counts the values of any record of a schema; each named type is counted once."""

    def __init__(self, named: Named) -> None:
        self._named = named
        self._counted: dict[str, int | None] = {}

    def values(self, schema: Any) -> int | None:
        """The most values that a record can have; None if its bytes decide that."""
        if isinstance(schema, list):
            return self._most(schema)
        kind = kind_of(schema)
        if kind in ("array", "map"):
            return None
        if kind in _PLAIN:
            return 1
        return self._values_of_named(schema if isinstance(schema, str) else schema["name"])

    def _most(self, branches: list[Any]) -> int | None:
        counts = [self.values(each) for each in branches]
        known = [each for each in counts if each is not None]
        return max(known, default=0) + 1 if len(known) == len(counts) else None

    def _values_of_named(self, name: str) -> int | None:
        if name not in self._counted:
            self._counted[name] = None  # what refers to itself is bounded by its bytes alone
            self._counted[name] = self._values_of_definition(self._named[name])
        return self._counted[name]

    def _values_of_definition(self, schema: Any) -> int | None:
        _check_definition(schema)
        if kind_of(schema) not in _RECORDS:
            return 1
        total = 1
        for field in schema["fields"]:
            values = self.values(field["type"])
            if values is None:
                return None
            total += values
        return total


def kind_of(schema: Any) -> str:
    """The type of a parsed schema that is no union; the name of a type that is only referred to."""
    found = schema["type"] if isinstance(schema, dict) else schema
    if not isinstance(found, str):
        raise SchemaError("It has a type that is neither a name nor a list.")
    return found


def _check_definition(schema: Any) -> None:
    size, symbols = schema.get("size", 0), schema.get("symbols", [""])
    if type(size) is not int or not 0 <= size <= FIXED_BYTES_MAX:
        raise SchemaError(f"{schema['name']} has a size outside of 0 to {FIXED_BYTES_MAX:,}.")
    if not isinstance(symbols, list) or not symbols:
        raise SchemaError(f"{schema['name']} has no symbols.")


# -- records ---------------------------------------------------------------------------------------


class Walk:
    """Follows the bytes of records of one schema, and decodes nothing.

    >>> walk = Walk({"type": "array", "items": "null"})
    >>> walk.check(bytes([6, 0]), 0)
    >>> walk.check(bytes([254, 255, 255, 255, 15, 0]), 0)
    Traceback (most recent call last):
        ...
    topics.avro_bounds.BoundsError: it has more than 1,024 values
    """

    def __init__(self, schema: Any) -> None:
        self._named = named_types(schema)
        self._schema = schema
        self._value = b""
        self._at = self._left = self._depth = 0

    def check(self, value: bytes, start: int) -> None:
        """Raises `BoundsError` unless one record, and nothing else, is in `value` from `start`."""
        if len(value) > WALKED_BYTES_MAX:
            raise BoundsError(f"it is longer than {WALKED_BYTES_MAX:,} bytes")
        self._value, self._at, self._left, self._depth = value, start, VALUES_MAX, 0
        self._follow(self._schema)
        if self._at != len(value):
            raise BoundsError("bytes are left over after the record")

    def _follow(self, schema: Any) -> None:
        self._left -= 1
        if self._left < 0:
            raise BoundsError(f"it has more than {VALUES_MAX:,} values")
        while isinstance(schema, list):
            schema = schema[self._index(len(schema))]
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise BoundsError(f"it nests deeper than {DEPTH_MAX} levels")
        self._follow_kind(kind_of(schema), schema)
        self._depth -= 1

    def _follow_kind(self, kind: str, schema: Any) -> None:
        if kind in _WIDTHS:
            self._skip(_WIDTHS[kind])
        elif kind in ("int", "long"):
            self._long()
        elif kind in ("string", "bytes"):
            self._skip(self._long())
        elif kind == "array":
            self._follow_blocks(lambda: self._follow(schema["items"]))
        elif kind == "map":
            self._follow_blocks(lambda: self._follow_entry(schema["values"]))
        else:
            self._follow_definition(schema if isinstance(schema, dict) else self._named[kind])

    def _follow_definition(self, schema: Any) -> None:
        kind = kind_of(schema)
        if kind in _RECORDS:
            for field in schema["fields"]:
                self._follow(field["type"])
        elif kind == "enum":
            self._index(len(schema["symbols"]))
        else:
            self._skip(schema["size"])

    def _follow_entry(self, values: Any) -> None:
        self._skip(self._long())
        self._follow(values)

    def _follow_blocks(self, follow: Callable[[], None]) -> None:
        while count := self._long():
            size = self._long() if count < 0 else None
            begins = self._at
            if abs(count) > self._left:
                raise BoundsError(f"it has more than {VALUES_MAX:,} values")
            for _ in range(abs(count)):
                follow()
            if size is not None and self._at - begins != size:
                raise BoundsError("a block is not as long as it says")

    def _index(self, length: int) -> int:
        found = self._long()
        if not 0 <= found < length:
            raise BoundsError(f"there is no choice {found} of {length}")
        return found

    def _skip(self, length: int) -> None:
        if length < 0 or self._at + length > len(self._value):
            raise BoundsError("it ends before its record does")
        self._at += length

    def _long(self) -> int:
        found = shift = 0
        while shift < _VARINT_BITS_MAX:
            if self._at >= len(self._value):
                raise BoundsError("it ends before its record does")
            byte = self._value[self._at]
            self._at += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004
                return self._unzigzag(found)
            shift += 7
        raise BoundsError("a number has more than 64 bits")

    @staticmethod
    def _unzigzag(found: int) -> int:
        if found >= 2 * _INT64:
            raise BoundsError("a number has more than 64 bits")
        return (found >> 1) ^ -(found & 1)
