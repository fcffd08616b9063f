"""Reads what a request wishes of a list: from its query, or from its body. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from streams.answering.questions import Wishes
from streams.serving.json_values import can_be_kept

NAMES = frozenset(Wishes.model_fields)
"""The parameters and fields that state wishes."""
_EACH = ("exclude",)
"""Parameters that may come several times."""


class WishesError(ValueError):
    """A wish is not one; the message says which, and why."""


def wishes_of_query(query: Sequence[tuple[str, str]]) -> Wishes:
    """The wishes in the parameters of a request; the last one of a name counts."""
    stated: dict[str, Any] = {name: value for name, value in query if name in NAMES}
    for name in _EACH:
        stated[name] = [value for key, value in query if key == name]
    return wishes_of(stated)


def wishes_of(stated: Mapping[str, Any]) -> Wishes:
    """The wishes that are stated; null is as good as missing. Raises `WishesError`."""
    given = {name: stated[name] for name in NAMES if stated.get(name) is not None}
    try:
        wishes = Wishes.model_validate(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(map(str, wrong["loc"]))
        why = wrong["msg"][:1].lower() + wrong["msg"][1:]
        why = why.replace("tuple", "list").replace(" after validation", "")
        raise WishesError(f"{name}: {why}") from None
    if not all(map(can_be_kept, wishes.exclude)):
        raise WishesError("exclude: an id has a NUL or half a surrogate pair")
    if wishes.contradiction:
        raise WishesError(wishes.contradiction)
    return wishes
