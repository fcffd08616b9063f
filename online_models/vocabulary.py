"""`Vocabulary`: ids are encoded as dense codes, in the order in which they first appear."""

import ast
from array import array
from collections.abc import Hashable, Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from online_models.errors import ModelError


class _Tombstone(Enum):
    """The value of a code whose id was erased."""

    FORGOTTEN = 0


class _Kind:
    """How a value is serialised in a state."""

    TEXT = 0
    LITERAL = 1
    FORGOTTEN = 2


_NO_CHAIN = bytes(16)


class Vocabulary:
    """A dictionary from ids (any hashables) to int32 codes 0, 1, 2, ...; no code is reused.

    >>> tracks = Vocabulary()
    >>> tracks.encode_many(["so what", "blue in green", "so what"]).tolist()
    [0, 1, 0]
    >>> tracks.value(1), tracks.code("all blues")
    ('blue in green', -1)
    """

    def __init__(self) -> None:
        self._codes: dict[Hashable, int] = {}
        self._values: list[Hashable] = []
        self._payloads, self._ends, self._kinds = bytearray(), array("q"), bytearray()
        self._chain = _NO_CHAIN

    def __len__(self) -> int:
        """The number of codes, including those of erased ids."""
        return len(self._values)

    def encode(self, value: Hashable) -> int:
        """The code of `value`; a new code if it has none."""
        code = self._codes.get(value)
        return self._append(value) if code is None else code

    def encode_many(self, values: Sequence[Hashable]) -> NDArray[np.int32]:
        """Codes of `values`, int32[n]; new codes are given in order of first appearance."""
        known = self._codes.get
        codes = [
            self._append(value) if (code := known(value)) is None else code for value in values
        ]
        return np.array(codes, np.int32)

    def code(self, value: Hashable) -> int:
        """The code of `value`, -1 if it has none."""
        return self._codes.get(value, -1)

    def value(self, code: int) -> Hashable:
        """The value of `code`; raises `LookupError` if it has none, or it was erased."""
        value = self._values[code] if 0 <= code < len(self._values) else _Tombstone.FORGOTTEN
        if value is _Tombstone.FORGOTTEN:
            raise LookupError(
                f"code {code} has no value: it was never given, or its value was erased"
            )
        return value

    def values(self, codes: Sequence[int]) -> list[Hashable]:
        """The values of `codes`; raises `LookupError` as `value` does."""
        values = [self._values[code] for code in codes]
        if _Tombstone.FORGOTTEN in values or min(codes, default=0) < 0:
            raise LookupError("a code has no value: it was never given, or its value was erased")
        return values

    def forget(self, value: Hashable) -> None:
        """Erases `value` from memory; its code stays unused for ever."""
        code = self._codes.pop(value, None)
        if code is not None:
            self._values[code] = _Tombstone.FORGOTTEN
            self._drop_payload(code)
            self._extend_chain(_Kind.FORGOTTEN, code.to_bytes(4, "little"))

    def _append(self, value: Hashable) -> int:
        value = value.item() if isinstance(value, np.generic) else value
        code = self._codes[value] = len(self._values)
        self._values.append(value)
        kind, payload = _serialised(value)
        self._payloads += payload
        self._ends.append(len(self._payloads))
        self._kinds.append(kind)
        self._extend_chain(kind, payload)
        return code

    def _drop_payload(self, code: int) -> None:
        start, end = self._span(code)
        del self._payloads[start:end]
        np.frombuffer(self._ends, np.int64)[code:] -= end - start
        self._kinds[code] = _Kind.FORGOTTEN

    def _span(self, code: int) -> tuple[int, int]:
        return self._ends[code - 1] if code else 0, self._ends[code]

    def _extend_chain(self, kind: int, payload: bytes) -> None:
        self._chain = xxhash.xxh3_128_digest(self._chain + bytes([kind]) + payload)

    def digest(self) -> bytes:
        """A hash chain over all ids appended and erased so far, in order; 16 bytes, O(1)."""
        return self._chain

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays for `load`; raises `ModelError` for a value that cannot be serialised."""
        kinds = np.frombuffer(bytes(self._kinds), np.uint8)
        for code in np.flatnonzero(kinds == _Kind.LITERAL).tolist():
            _check_readable(bytes(self._payloads[slice(*self._span(code))]))
        return {
            "bytes": np.frombuffer(bytes(self._payloads), np.uint8),
            "ends": np.array(self._ends, np.int64),
            "kinds": kinds,
            "chain": np.frombuffer(self._chain, np.uint8),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replaces the contents by a `state()`."""
        text = state["bytes"].tobytes()
        self._payloads, self._kinds = bytearray(text), bytearray(state["kinds"].tobytes())
        self._ends = array("q", state["ends"].tobytes())
        self._values = [
            _parsed(kind, text[slice(*self._span(code))]) for code, kind in enumerate(self._kinds)
        ]
        self._codes = {
            value: code
            for code, value in enumerate(self._values)
            if value is not _Tombstone.FORGOTTEN
        }
        self._chain = state["chain"].tobytes()


def _serialised(value: Hashable) -> tuple[int, bytes]:
    if isinstance(value, str):
        return _Kind.TEXT, value.encode("utf-8", "surrogatepass")
    return _Kind.LITERAL, repr(value).encode("utf-8", "surrogatepass")


def _parsed(kind: int, payload: bytes) -> Hashable:
    if kind == _Kind.FORGOTTEN:
        return _Tombstone.FORGOTTEN
    text = payload.decode("utf-8", "surrogatepass")
    return text if kind == _Kind.TEXT else _literal(text)


def _literal(text: str) -> Hashable:
    value: Hashable = ast.literal_eval(text)
    return value


def _check_readable(payload: bytes) -> None:
    try:
        _parsed(_Kind.LITERAL, payload)
    except (ValueError, SyntaxError):
        raise ModelError(
            f"The id {payload[:80]!r} cannot be kept in a state.",
            "Use strings, numbers, bytes or tuples of them as ids.",
        ) from None
