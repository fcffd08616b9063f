"""Late and out-of-order plays: they teach, and never change where a listener is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.base import Ranker
from online_models.blend.listener.session_contexts import BREAK_MS, CONTEXT
from tests.property.test_rankers_blend import both_learn
from tests.support.rankers import MINUTE_MS, START_MS, Row, a_ranker, rows

NOW = ["newest_ms", "last", "playing", "linked"]
"""What is the current context; the rest is that of late plays."""
YEAR_MS = 365 * 24 * 60 * MINUTE_MS
WINDOW = 6
users, items = st.sampled_from(["ann", "bob"]), st.sampled_from("abcdef")
minutes = st.integers(0, 90)
late_plays = st.lists(st.tuples(users, items, st.integers(1, YEAR_MS)), max_size=12)


@st.composite
def live_streams(draw: st.DrawFn) -> list[Row]:
    """Plays in the order of their time, some breaks between them."""
    steps = draw(st.lists(st.tuples(users, items, minutes), min_size=2, max_size=25))
    at_ms, made = START_MS, []
    for user, item, gap in steps:
        at_ms += gap * MINUTE_MS
        made.append(Row(user, item, at_ms=at_ms))
    return made


def contexts(model: Ranker) -> dict[str, Any]:
    """The record of each listener."""
    stored = model.state()["stores/contexts"].view(CONTEXT).ravel()
    return {
        str(user): stored[model.users.code(user)] for user in ("ann", "bob") if _knows(model, user)
    }


def _knows(model: Ranker, user: str) -> bool:
    return model.users.code(user) >= 0


def now(model: Ranker) -> dict[str, Any]:
    """The current context of each listener, by names of tracks."""
    return {
        user: [_said(model, each[name]) for name in NOW] for user, each in contexts(model).items()
    }


def _said(model: Ranker, value: Any) -> Any:
    if isinstance(value, Sequence) or getattr(value, "ndim", 0):
        return [model.items.value(code - 1) if code else None for code in value.tolist()]
    return int(value)


@settings(max_examples=60)
@given(live=live_streams(), late=late_plays, data=st.data())
def test_late_plays_never_change_the_current_context(
    live: list[Row], late: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    told = list(live)
    for user, item, behind_ms in late:
        at = data.draw(st.integers(1, len(told)))
        newest = max((row.at_ms for row in told[:at] if row.user == user), default=None)
        if newest is not None:
            told.insert(at, Row(user, item, at_ms=newest - behind_ms))
    assert now(a_ranker("fast", told)) == now(a_ranker("fast", live))


@settings(max_examples=40)
@given(
    live=live_streams(),
    late=st.tuples(items, items),
    apart_ms=st.integers(BREAK_MS + 1, YEAR_MS),
    whose=st.tuples(users, users),
)
def test_swapping_two_late_plays_of_different_sessions_changes_no_context(
    live: list[Row], late: tuple[str, str], apart_ms: int, whose: tuple[str, str]
) -> None:
    arrived = [Row(user, "new", at_ms=live[-1].at_ms) for user in ("ann", "bob")]
    both = [
        Row(whose[0], late[0], at_ms=START_MS - 2 * YEAR_MS),
        Row(whose[1], late[1], at_ms=START_MS - 2 * YEAR_MS + apart_ms),
    ]
    one, other = ([*live, *arrived, *each] for each in (both, both[::-1]))
    first, second = a_ranker("fast", one), a_ranker("fast", other)
    assert now(first) == now(second)
    assert now(first) == now(a_ranker("fast", [*live, *arrived]))
    if whose[0] != whose[1]:  # else the one that came last is what the next late one may continue
        assert contexts(first).keys() == contexts(second).keys()
        assert [_late(first, user) for user in whose] == [_late(second, user) for user in whose]


def _late(model: Ranker, user: str) -> tuple[int, Any]:
    context = contexts(model)[user]
    return int(context["late_ms"]), model.items.value(int(context["late"]) - 1)


@dataclass
class NaiveNow:
    """Where a listener is, by the words of the description alone."""

    newest_ms: int = 0
    last: list[str] = field(default_factory=list)
    linked: int = 0

    def play(self, row: Row) -> bool:
        """Takes a play; returns whether it is late, which changes nothing."""
        if row.at_ms < self.newest_ms:
            return True
        self.linked = 1 if row.at_ms - self.newest_ms > BREAK_MS else min(self.linked + 1, 3)
        self.newest_ms, self.last = row.at_ms, [row.item, *self.last][:3]
        return False


@settings(max_examples=60)
@given(live=live_streams(), data=st.data())
def test_shuffling_live_plays_inside_a_window_equals_marking_the_overtaken_ones_late(
    live: list[Row], data: st.DataObject
) -> None:
    windows = [live[at : at + WINDOW] for at in range(0, len(live), WINDOW)]
    shuffled = [row for each in windows for row in data.draw(st.permutations(each))]
    naive: dict[str, NaiveNow] = {}
    in_time = [row for row in shuffled if not naive.setdefault(row.user, NaiveNow()).play(row)]
    told = now(a_ranker("fast", shuffled))
    expected = {
        user: [each.newest_ms, [*each.last, None, None, None][:3], 0, each.linked]
        for user, each in naive.items()
    }
    assert told == expected
    assert told == now(a_ranker("fast", in_time))


@settings(max_examples=8)
@given(seed=st.integers(0, 1_000), data=st.data())
def test_a_shuffled_stream_gives_the_lists_of_the_description(
    seed: int, data: st.DataObject
) -> None:
    some = rows(seed, 90, users=3, items=12)
    windows = [some[at : at + WINDOW] for at in range(0, len(some), WINDOW)]
    shuffled = [row for each in windows for row in data.draw(st.permutations(each))]
    both_learn("fast", shuffled, look_every=9)


@settings(max_examples=25)
@given(
    album=st.permutations("abcdef"),
    days=st.integers(20, 365),
    live=st.lists(items, min_size=1, max_size=4),
    size=st.sampled_from([1, 7, 10_000]),
)
def test_a_year_imported_behind_a_live_listener_teaches_transitions(
    album: list[str], days: int, live: list[str], size: int
) -> None:
    today = [Row("ann", f"live-{at}-{item}", at_ms=START_MS + at) for at, item in enumerate(live)]
    year = [
        Row("ann", item, at_ms=START_MS - YEAR_MS + (day * 24 * 60 + step * 4) * MINUTE_MS)
        for day in range(days)
        for step, item in enumerate(album)
    ]
    before = a_ranker("last_transition", today)
    model = a_ranker("last_transition", [*today, *year])
    assert now(model)["ann"] == now(before)["ann"]
    for item, following in pairwise(album):
        asked = a_ranker("last_transition", [*today, *year, Row("bob", item)])
        best = asked.recommend("bob", 1)[0]
        assert (best.item, best.reason) == (following, "transition")
