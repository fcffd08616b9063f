"""Streams of plays for models, in codes and in ids."""

import random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.base import Columns, Ranker, Signal
from online_models.registry import MODELS, build

START_MS = 1_700_000_000_000
MINUTE_MS = 60_000


class Row(NamedTuple):
    """One event, in a model's words."""

    user: str
    item: str
    group: str | None = None
    y: float = 1.0
    at_ms: int = START_MS
    signal: int = Signal.LISTEN


def rows(seed: int, events: int, *, users: int = 8, items: int = 40) -> list[Row]:
    """Albums, repeats, breaks, late events, skips and words, by chance."""
    chance = random.Random(seed)
    last = [0] * users
    at_ms = START_MS
    made = []
    for _ in range(events):
        user = chance.randrange(users)
        after = (last[user] + 1) % items
        last[user] = chance.choice([after, after, chance.randrange(items), last[user]])
        at_ms += chance.choice([*[chance.randrange(4 * MINUTE_MS)] * 19, 40 * MINUTE_MS])
        late_ms = chance.choice([0, 0, 0, 90 * MINUTE_MS])
        signal = chance.choices(list(Signal), weights=[74, 6, 4, 4, 3, 3, 3, 3])[0]
        y = chance.choice([1.0, 1.0, 0.5, -1.0, float("nan")])
        group = chance.choice([None, f"artist-{last[user] // 5}"])
        made.append(Row(f"u{user}", f"i{last[user]}", group, y, at_ms - late_ms, signal))
    return made


def learn(ranker: Ranker, some: list[Row], *, evaluate: bool = True) -> NDArray[np.int32]:
    """Feeds `some` as one batch of columns; returns the ranks."""
    return ranker.learn_many(columns_of(ranker, some), evaluate=evaluate)


def place(ranker: Ranker, some: list[Row], *, is_frozen: bool = False) -> NDArray[np.int32]:
    """The same for evaluation; returns the places."""
    return ranker.place_many(columns_of(ranker, some), is_frozen=is_frozen)


def columns_of(ranker: Ranker, some: list[Row]) -> Columns:
    """`some` in codes of `ranker`."""
    coded = [
        (
            ranker.users.encode(row.user),
            ranker.items.encode(row.item),
            -1 if row.group is None else ranker.groups.encode(row.group),
        )
        for row in some
    ]
    users, items, groups = np.array(coded, np.int32).reshape(-1, 3).T
    return Columns(
        users,
        items,
        groups,
        np.array([row.y for row in some], np.float32),
        np.array([row.at_ms for row in some], np.int64),
        np.array([row.signal for row in some], np.uint8),
    )


def a_ranker(name: str, some: list[Row] | None = None, **params: Any) -> Ranker:
    """A model that has learnt `some`."""
    ranker = build({"model": name, **params})
    if some:
        learn(ranker, some)
    return ranker


def digests_and_lists() -> dict[str, list[str]]:
    """Of every model after a fixed stream: its digest and one list, scores to the last bit."""
    found = {}
    for name in sorted(MODELS):
        ranker = a_ranker(name, rows(14, 600, users=3))
        listed = [f"{each.item} {each.score.hex()}" for each in ranker.recommend("u1")]
        found[name] = [ranker.digest(), *listed]
    return found
