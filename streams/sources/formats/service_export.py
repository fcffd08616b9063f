"""What the exports of services have in common: one object a play, all of one person."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from streams.sources.files import Part, of_nobody
from streams.sources.plays import BadRow, Ignored, ParsedRow, Play
from topics.listening_event import PLAY_LENGTH_MAX_MS

Fields = dict[str, Any]
ReadFields = Callable[[Fields], dict[str, Any] | str]
"""From a row to the fields of its `Play`, or why it is ignored; `ValueError`: what is wrong."""


def plays_of(
    rows: Iterable[tuple[int, Fields | str]], part: Part, source: str, fields_of: ReadFields
) -> Iterator[ParsedRow]:
    """Plays of `rows`.

    A row's `listener_id` counts first, then the part's, then the row's `owner`: a name that older
    exports tell and newer ones of the same person do not.
    """
    for row, told in rows:
        try:
            if isinstance(told, str):
                yield BadRow(part.name, row, told)
            else:
                yield _parsed(row, fields_of(told), part, source)
        except ValueError as error:
            yield BadRow(part.name, row, str(error))


def _parsed(row: int, fields: dict[str, Any] | str, part: Part, source: str) -> ParsedRow:
    if isinstance(fields, str):
        return Ignored(fields, part.name)
    owner = fields.pop("owner", None)
    listener_id = fields.get("listener_id") or part.listener_id or owner
    if not listener_id:
        raise of_nobody(part)
    return Play(part=part.number, row=row, source=source, **fields | {"listener_id": listener_id})


def text_in(fields: Fields, key: str) -> str | None:
    """A text that may be missing."""
    value = fields.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise ValueError(f"{key} is not a text")


def object_in(fields: Fields, key: str) -> Fields:
    """An object that may be missing."""
    value = fields.get(key)
    if value is None or isinstance(value, dict):
        return value or {}
    raise ValueError(f"{key} is not an object")


def played_in(fields: Fields, key: str) -> int:
    """A length of play in ms that must be there."""
    value = fields.get(key)
    if type(value) is int and 0 <= value <= PLAY_LENGTH_MAX_MS:
        return value
    raise ValueError(f"{key} is not a length of play in ms: {str(value)[:40]!r}")
