"""Shared code for the exports of services: one object per play, all of one user."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from streams.sources.files import Part, without_listener
from streams.sources.formats.cell_values import is_storable, text_of
from streams.sources.plays import BadRow, Ignored, ParsedRow, Play

Fields = dict[str, Any]
ReadFields = Callable[[Fields], dict[str, Any] | str]
"""Returns the fields of a row's `Play`, or why it is ignored; raises `ValueError` if bad."""


def plays_of(
    rows: Iterable[tuple[int, Fields | str]], part: Part, source: str, fields_of: ReadFields
) -> Iterator[ParsedRow]:
    """Plays of `rows`.

    The listener is a row's `listener_id`, or else the part's, or else the row's `owner`: a name
    that older exports contain and newer exports of the same user do not.
    """
    for row, fields in rows:
        try:
            if isinstance(fields, str):
                yield BadRow(part.name, row, fields)
            else:
                yield _parsed(row, fields_of(fields), part, source)
        except ValueError as error:
            yield BadRow(part.name, row, str(error))


def _parsed(row: int, fields: dict[str, Any] | str, part: Part, source: str) -> ParsedRow:
    if isinstance(fields, str):
        return Ignored(fields, part.name)
    owner = fields.pop("owner", None)
    listener_id = fields.get("listener_id") or part.listener_id or owner
    if not listener_id:
        raise without_listener(part)
    return Play(part=part.number, row=row, source=source, **fields | {"listener_id": listener_id})


def text_in(fields: Fields, key: str) -> str | None:
    """An optional text; a number, a list or an object is read as `text_of` does."""
    value = fields.get(key)
    return (value or None) if isinstance(value, str) else text_of(value)


def optional_text_in(fields: Fields, key: str) -> str | None:
    """A text that does not decide whether a row is a play: None if it is none, or is too long."""
    value = fields.get(key)
    return value if isinstance(value, str) and value and is_storable(value) else None


def optional_object_in(fields: Fields, key: str) -> Fields:
    """An object that does not decide whether a row is a play; empty if it is none."""
    value = fields.get(key)
    return value if isinstance(value, dict) else {}


def object_in(fields: Fields, key: str) -> Fields:
    """An optional object; empty if it is missing."""
    value = fields.get(key)
    if value is None or isinstance(value, dict):
        return value or {}
    raise ValueError(f"{key} is not an object")
