"""Shows people and tokens in a terminal, and as JSON values."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from streams.cli.untrusted_text import in_one_line
from streams.people.people import Person, Token


def person_as_json(person: Person) -> dict[str, Any]:
    """A person as JSON values."""
    return {
        "name": person.name,
        "admin": person.is_admin,
        "public_reads": person.public_reads,
        "created_at": _time(person.created_at),
    }


def token_as_json(token: Token) -> dict[str, Any]:
    """What may be shown of a token: neither it nor its digest."""
    return {
        "id": token.token_id,
        "person": token.person,
        "label": token.label,
        "created_at": _time(token.created_at),
        "last_used_at": _time(token.last_used_at),
        "expires_at": _time(token.expires_at),
    }


def rights_in_words(person: Person) -> str:
    """What a person may.

    >>> rights_in_words(Person("ann", public_reads=True))
    'no admin, public reads'
    """
    admin = "admin" if person.is_admin else "no admin"
    return f"{admin}, {'public reads' if person.public_reads else 'reads need a token'}"


def people_table(people: Sequence[Person]) -> Table:
    """All people, one a row."""
    table = _table("name", "rights", "created")
    for each in people:
        table.add_row(_text(each.name), rights_in_words(each), _time(each.created_at) or "-")
    return table


def tokens_table(tokens: Sequence[Token]) -> Table:
    """All tokens, one a row."""
    table = _table("id", "person", "label", "created", "last used", "ends")
    for each in tokens:
        times = (each.created_at, each.last_used_at, each.expires_at)
        label = _text(each.label or "-")
        table.add_row(each.token_id, _text(each.person), label, *(_time(at) or "-" for at in times))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None)
    for each in columns:
        table.add_column(each, overflow="fold")
    return table


def _text(text: str) -> Text:
    """The text as a cell: no part of it is markup, and none obeys a terminal."""
    return Text(in_one_line(text))


def _time(at_ms: int | None) -> str | None:
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
