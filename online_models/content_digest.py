"""A hash of any object that pickle supports; it is equal for equal contents, in any process.

Pickles of equal objects can differ, because they depend on object identity and on the order of
dictionary keys; this hash does not.
"""

import math
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import xxhash

from online_models.errors import ModelError

DEPTH_MAX = 64


def content_digest(value: Any) -> str:
    """32 hex digits; raises `ModelError` for objects that pickle refuses, or that are cyclic.

    >>> content_digest({"a": 1, "b": [2.5]}) == content_digest({"b": [2.5], "a": 1})
    True
    >>> content_digest(1) == content_digest(1.0)
    False
    """
    digest = xxhash.xxh3_128()
    for piece in _pieces(value, 0):
        digest.update(len(piece).to_bytes(4, "little"))
        digest.update(piece)
    return digest.hexdigest()


def _pieces(value: Any, depth: int) -> Iterator[bytes]:
    if depth > DEPTH_MAX:
        raise ModelError("The model's state is nested without end.", "Host another one.")
    yield type(value).__qualname__.encode()
    if value is None or isinstance(value, bool | int | str | bytes):
        yield repr(value).encode("utf-8", "surrogatepass")
    elif isinstance(value, float):
        yield struct.pack("<d", math.nan if math.isnan(value) else value)
    elif isinstance(value, np.ndarray | np.generic):
        yield f"{value.dtype.str}{value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, list | tuple):
        yield str(len(value)).encode()
        for each in value:
            yield from _pieces(each, depth + 1)
    elif isinstance(value, dict) and type(value) is dict:
        yield from _items(value.items(), depth)
    elif isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        yield f"{value.__module__}.{value.__qualname__}".encode()
    else:
        yield from _reduced(value, depth)


def _items(items: Any, depth: int) -> Iterator[bytes]:
    """Keys and values, sorted by the contents of the keys."""
    written = [(b"".join(_pieces(key, depth + 1)), value) for key, value in items]
    yield str(len(written)).encode()
    for key, value in sorted(written, key=lambda item: item[0]):
        yield key
        yield from _pieces(value, depth + 1)


def _reduced(value: Any, depth: int) -> Iterator[bytes]:
    """The parts of an object by pickle's protocol (PEP 307)."""
    try:
        parts = value.__reduce_ex__(4)
    except TypeError as error:
        raise ModelError(f"{type(value).__name__} cannot be written: {error}.") from error
    made_of, state, listed, items = (*parts[:2], *parts[2:5], None, None, None)[1:5]
    for each in (made_of, state, None if listed is None else list(listed)):
        yield from _pieces(each, depth + 1)
    if items is not None:
        yield from _items(items, depth)
