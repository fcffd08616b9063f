"""People and tokens as tests make them."""

import uuid
from typing import Any

from streams.people.people import Token, digest_of, new_token


def a_token_of(person: str, **changes: Any) -> tuple[str, Token]:
    """A token of this person, and what is stored of it."""
    token = new_token()
    fields: dict[str, Any] = {"label": "", "created_at": 1, "person": person}
    return token, Token(uuid.uuid4().hex[:12], digest_of(token), **(fields | changes))
