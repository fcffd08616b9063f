"""Wishes are read from a query as from a body, and what is none is refused."""

from typing import Any

import pytest

from streams.answering.questions import Mix, Wishes
from streams.serving.stated_wishes import WishesError, wishes_of, wishes_of_query


def test_a_query_states_what_a_body_states() -> None:
    query = [("count", "7"), ("owned", "false"), ("new_share", ".5"), ("mix", "now")]
    query += [("exclude", "a"), ("exclude", "b,c"), ("per_artist", "2"), ("other", "x")]
    stated = {"count": 7, "owned": False, "new_share": 0.5, "mix": "now", "per_artist": 2}
    expected = Wishes(
        count=7, owned=False, new_share=0.5, mix=Mix.NOW, per_artist=2, exclude=("a", "b,c")
    )
    assert wishes_of_query(query) == expected
    assert wishes_of({**stated, "exclude": ["a", "b,c"], "other": 1}) == expected


def test_what_is_not_stated_or_null_is_not_wished() -> None:
    assert wishes_of({}) == wishes_of(dict.fromkeys(Wishes.model_fields)) == Wishes()


@pytest.mark.parametrize(
    "stated",
    [
        *({"count": value} for value in (0, -1, 101, 1.5, "x", [], {}, 2**70, float("inf"))),
        *({"new_share": value} for value in (-0.1, 1.1, "x", [], float("nan"))),
        *({"owned": value} for value in ("perhaps", 2, [], {})),
        *({"per_artist": value} for value in (-1, 101, "x")),
        *({"exclude": value} for value in ("a", 5, {"a": 1}, [5], ["a\x00"], ["a" * 513])),
        *({"mix": value} for value in ("", "evening", 5, [])),
        *({"utc_offset": value} for value in (-841, 841, "x")),
        {"mix": "new", "owned": True},
        {"mix": "rediscover", "owned": False},
    ],
)
def test_what_is_no_wish_is_refused_with_its_name(stated: dict[str, Any]) -> None:
    with pytest.raises(WishesError, match=next(iter(stated))):
        wishes_of(stated)


def test_too_many_ids_are_refused_in_words_that_are_not_pythons() -> None:
    with pytest.raises(WishesError) as refused:
        wishes_of({"exclude": ["a"] * 1_001})
    assert str(refused.value) == "exclude: list should have at most 1000 items, not 1001"
