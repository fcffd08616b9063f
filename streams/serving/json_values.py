"""Numbers and texts in what clients send, as lenient as real ones need it. Pure."""

from math import isfinite
from typing import Any


def number_of(value: Any) -> float | None:
    """A finite number, also one that a client sent as text; None for everything else.

    >>> number_of("210.5"), number_of(True), number_of("nan"), number_of([])
    (210.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def is_nested_within(value: Any, levels: int) -> bool:
    """Whether lists and objects are within each other at most `levels` deep.

    >>> is_nested_within({"a": [1]}, 2), is_nested_within({"a": [[]]}, 2)
    (True, False)
    """
    if not isinstance(value, list | dict):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_nested_within(each, levels - 1) for each in inner)


def can_be_kept(text: str) -> bool:
    """Whether a text has neither a NUL nor half a surrogate pair, which no contract takes.

    >>> can_be_kept("Björk"), can_be_kept("a\\x00"), can_be_kept("\\ud800")
    (True, False, False)
    """
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False
