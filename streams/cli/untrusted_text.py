"""Text that somebody else wrote, such as names of tracks, as a terminal may show it.

A terminal obeys control characters: a title could move its cursor, set the title of its window, or
show text in another order than it has (bidirectional overrides). They are shown as escapes instead.
"""

import re

_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff"
"""C0 but tab and line feed, DEL, C1, bidirectional overrides, Unicode's separators of lines, and
bytes of file names that are no UTF-8 (lone surrogates), which no terminal can be sent."""
_UNSAFE = re.compile(f"[{_CONTROL}]")
_UNSAFE_IN_LINE = re.compile(f"[{_CONTROL}\t\n]")
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def visible(text: str) -> str:
    r"""The text with escapes instead of control characters; tabs and line feeds remain.

    >>> visible("So\x1b]0;What\x07")
    'So\\x1b]0;What\\x07'
    """
    return _UNSAFE.sub(_escaped, text)


def in_one_line(text: str) -> str:
    r"""The text with escapes instead of control characters, tabs and line feeds.

    >>> in_one_line("So\nWhat")
    'So\\x0aWhat'
    """
    return _UNSAFE_IN_LINE.sub(_escaped, text)


def visible_json(text: str, *, ascii_only: bool = False) -> str:
    r"""JSON of equal meaning that has no control character, and with `ascii_only` nothing else.

    >>> visible_json('"\x9b2J"')
    '"\\u009b2J"'
    >>> visible_json('"\U0001d11e"', ascii_only=True)
    '"\\ud834\\udd1e"'
    """
    return (_NOT_ASCII if ascii_only else _UNSAFE_IN_JSON).sub(_escaped_in_json, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004


def _escaped_in_json(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
