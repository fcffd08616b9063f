"""A canary's listeners are compared with those whom the stable generation served meanwhile."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from online_models.evaluation.contest import Contest
from online_models.registry import build
from online_models.vocabulary import Vocabulary
from streams.evaluation.by_served import (
    Period,
    Plans,
    Plays,
    by_served,
    measured_group,
    periods_of,
    permitted,
    plans_of,
    plays_of,
)
from streams.evaluation.log_pass import fold_of
from streams.lists.serving_plan import bucket
from streams.settings import Settings
from tests.support.learning_log import a_history, an_event, batches
from tests.support.lifecycle_records import STARTED, Book, created, moved, serves
from topics.errors import SettingsError

NAMES = ("second", "first")
CANARY_AT_MS = 100_000
"""When the canary of `plans` begins."""


def listeners(count: int) -> Vocabulary:
    found = Vocabulary()
    found.encode_many([f"listener-{at}" for at in range(count)])
    return found


def plans(share: int = 5_000, *further: int) -> Plans:
    """`first` serves all from 0 ms on, `second` a share from 100 s on, further shares later."""
    book = Book(created("first"), moved("first", STARTED), serves("first", -1))
    for each in (created("second"), moved("second", STARTED)):
        assert book.append(each) == ""
    found = plans_of(book.lifecycle.history)
    shares = [found.plans[0]._replace(canary="second", share=each) for each in (share, *further)]
    since = [0, *(CANARY_AT_MS * (at + 1) for at in range(len(shares)))]
    return Plans(np.array(since, np.int64), [*found.plans, *shares])


def plays(users: Any, at_ms: Any, ours: Any, theirs: Any, appended_ms: Any | None = None) -> Plays:
    """Plays of which `second` listed `ours`, and `first` listed `theirs`."""
    times = np.broadcast_to(np.asarray(at_ms, np.int64), len(users))
    appended = times if appended_ms is None else np.asarray(appended_ms, np.int64)
    columns = {"second": np.asarray(ours, np.float64), "first": np.asarray(theirs, np.float64)}
    return Plays(np.asarray(users, np.int32), times, np.broadcast_to(appended, len(users)), columns)


def served_by_canary(count: int, share: int) -> NDArray[np.bool_]:
    return np.array([bucket("second", f"listener-{at}") < share for at in range(count)])


def compared(some: Plays, count: int, of: Plans | None = None) -> dict[str, Any]:
    return by_served(NAMES, some, of or plans(), listeners(count))


def test_each_play_is_judged_by_the_list_of_the_generation_that_served_its_listener() -> None:
    users = np.arange(1_000)
    is_canary = served_by_canary(1_000, 5_000)
    found = compared(plays(users, CANARY_AT_MS, is_canary, ~is_canary), 1_000)
    assert (found["a_mean"], found["b_mean"]) == (1.0, 1.0)
    of_canary, of_stable = (found["listeners_of"][each] for each in NAMES)
    assert of_canary["plays"] == of_canary["listeners"] == is_canary.sum()
    assert of_canary["plays"] + of_stable["plays"] == 1_000
    assert of_canary["on_list_of"] == {"second": 1.0, "first": 0.0}
    assert of_stable["on_list_of"] == {"second": 0.0, "first": 1.0}
    assert found["left_out"] == 0


def test_plays_outside_of_the_canary_count_nothing() -> None:
    """Not those before it, nor old ones that are imported meanwhile, nor those that come late."""
    late, end = CANARY_AT_MS - 1, 2 * CANARY_AT_MS
    some = plays(
        *(np.arange(5), [late, late, -5, CANARY_AT_MS, end], np.ones(5), np.ones(5)),
        appended_ms=[late, CANARY_AT_MS, CANARY_AT_MS, CANARY_AT_MS, end],
    )
    until = plans()
    over = Plans(np.array([*until.since_ms, end]), [*until.plans, until.plans[0]])
    found = compared(some, 5, over)
    assert found["left_out"] == 4
    assert sum(each["plays"] for each in found["listeners_of"].values()) == 1


def test_who_is_added_by_a_larger_share_was_the_stable_generations_before() -> None:
    of = plans(1_000, 5_000)
    users, times = np.tile(np.arange(2_000), 2), np.repeat([CANARY_AT_MS, 2 * CANARY_AT_MS], 2_000)
    found = compared(plays(users, times, np.ones(4_000), np.ones(4_000)), 2_000, of)
    small, large = served_by_canary(2_000, 1_000), served_by_canary(2_000, 5_000)
    assert [each["share"] for each in found["periods"]] == [1_000, 5_000]
    assert [each["a"]["plays"] for each in found["periods"]] == [small.sum(), large.sum()]
    assert [each["b"]["plays"] for each in found["periods"]] == [(~small).sum(), (~large).sum()]
    assert np.all(large[small])


def test_a_better_time_of_the_day_does_not_help_the_canary_that_was_larger_then() -> None:
    """In the second period everybody plays what is listed, whoever serves them."""
    of, at = plans(1_000, 9_000), (CANARY_AT_MS, 2 * CANARY_AT_MS)
    users, times = np.tile(np.arange(4_000), 2), np.repeat(at, 4_000)
    listed = np.concatenate([np.arange(4_000) % 10 == 0, np.arange(4_000) % 10 > 0])
    found = compared(plays(users, times, listed, listed), 4_000, of)
    shares = [found["listeners_of"][each]["on_list_of"][each] for each in NAMES]
    assert shares[0] - shares[1] > 0.5  # all periods together would say that it is much better
    assert abs(found["difference"]) < 0.03
    assert found["interval"]["low"] < 0 < found["interval"]["high"]


def test_a_difference_between_the_listeners_is_found() -> None:
    random = np.random.default_rng(3)
    users = random.integers(0, 2_000, 60_000)
    listed = random.random(60_000)
    found = compared(plays(users, CANARY_AT_MS, listed < 0.3, listed < 0.2), 2_000)
    assert found["verdict"] == "better"
    assert 0.05 < found["interval"]["low"] < 0.1 < found["interval"]["high"] < 0.15
    swapped = by_served(
        NAMES[::-1],
        plays(users, CANARY_AT_MS, listed < 0.3, listed < 0.2),
        plans(),
        listeners(2_000),
    )
    assert swapped["verdict"] == "worse"
    assert swapped["difference"] == pytest.approx(-found["difference"])


def test_of_equal_generations_at_most_one_in_twenty_is_ever_called_better_or_worse() -> None:
    """200 worlds of 300 listeners who differ, and a look at each of 10 times."""
    wrong = sum(is_ever_decided(np.random.default_rng(each)) for each in range(200))
    assert wrong <= 10


def is_ever_decided(random: np.random.Generator) -> bool:
    often = np.exp(random.normal(0.0, 1.0, 300))
    users = random.choice(300, 6_000, p=often / often.sum())
    likes = np.clip(random.normal(0.3, 0.15, 300), 0.0, 1.0)
    listed = random.random(6_000) < likes[users]
    times = np.sort(random.integers(CANARY_AT_MS, 3 * CANARY_AT_MS, 6_000))
    some, of = plays(users, times, listed, listed), plans(2_000, 5_000)
    looks = range(600, 6_001, 600)
    verdicts = {compared(first(some, end), 300, of)["verdict"] for end in looks}
    return bool(verdicts & {"better", "worse"})


def first(some: Plays, end: int) -> Plays:
    columns = {name: each[:end] for name, each in some.came_from.items()}
    return Plays(some.users[:end], some.listened_ms[:end], some.appended_ms[:end], columns)


def test_few_listeners_get_figures_and_no_verdict() -> None:
    users, listed = np.tile(np.arange(8), 500), np.ones(4_000)
    found = compared(plays(users, CANARY_AT_MS, listed, 0 * listed), 8)
    assert found["verdict"] == "too few listeners"
    assert found["difference"] == 1.0


def test_a_period_with_few_listeners_counts_nothing_beside_one_with_enough() -> None:
    of, at = plans(5_000, 1_000), (CANARY_AT_MS, 2 * CANARY_AT_MS)
    few = np.arange(12)
    users = np.concatenate([np.arange(2_000), np.repeat(few, 100)])
    times = np.repeat(at, (2_000, 1_200))
    listed = np.concatenate([np.zeros(2_000), np.ones(1_200)])  # only the few play their lists
    found = compared(plays(users, times, listed, 0 * listed), 2_000, of)
    assert [each["counts"] for each in found["periods"]] == [True, False]
    assert found["difference"] == 0.0


def test_periods_weigh_as_much_as_they_say_of_the_difference() -> None:
    """In the first period the canary's lists are always played, in the second one never."""
    of, at = plans(5_000, 5_001), (CANARY_AT_MS, 2 * CANARY_AT_MS)
    users, times = np.concatenate([np.arange(900), np.arange(300)]), np.repeat(at, (900, 300))
    listed = np.repeat((1.0, 0.0), (900, 300))
    found = compared(plays(users, times, listed, 0 * listed), 900, of)
    counts = [[each[of_whom]["plays"] for of_whom in "ab"] for each in found["periods"]]
    first_weight, second_weight = (n * m / (n + m) for n, m in counts)
    assert found["difference"] == pytest.approx(first_weight / (first_weight + second_weight))


def test_both_groups_of_a_period_share_the_error_that_it_is_permitted() -> None:
    random = np.random.default_rng(5)
    users, listed = random.integers(0, 2_000, 20_000), random.random(20_000) < 0.3
    found = compared(plays(users, CANARY_AT_MS, listed, listed), 2_000)["interval"]
    is_canary = served_by_canary(2_000, 5_000)[users]
    groups = [
        measured_group(users[rows], listed[rows].astype(np.float64), permitted(0) / 2).interval
        for rows in (is_canary, ~is_canary)
    ]
    radius = max(sum(each[-2] for each in groups), sum(each[-1] for each in groups))
    assert found["high"] - found["low"] == pytest.approx(2 * radius)


def test_before_the_first_play_of_the_canary_nothing_is_known() -> None:
    found = compared(plays([], CANARY_AT_MS, [], []), 0)
    assert found["verdict"] == "too few listeners"
    assert (found["interval"]["low"], found["interval"]["high"]) == (-1.0, 1.0)


def test_generations_that_never_shared_the_listeners_are_not_compared_by_them() -> None:
    alone = Plans(plans().since_ms[:1], plans().plans[:1])
    with pytest.raises(SettingsError, match="was ever a canary"):
        periods_of(alone, *NAMES)
    assert periods_of(plans(), *NAMES[::-1]) == [Period("first", "second", 5_000)]


def test_void_records_change_no_plan() -> None:
    book = Book(created("first"), moved("first", STARTED), serves("first", -1))
    assert book.append(serves("first", 0, canary="nobody", share=1))
    assert [each.canary for each in plans_of(book.lifecycle.history).plans] == [None]


def test_the_errors_that_are_permitted_add_up_however_many_periods_there_are() -> None:
    assert sum(map(permitted, range(1_000))) < 0.05


def test_plays_have_the_time_of_their_record_and_erased_listeners_are_left_out() -> None:
    contest = Contest({"second": build({"model": "popularity"}), "first": build({"model": "fast"})})
    fold, appended = fold_of(contest, Settings()), []
    history = a_history(100)
    history.insert(60, an_event("listener-3", kind="LOVE", minute=900))
    history.append(an_event("listener-2", None, kind="ERASE", minute=901))
    for offset, record in enumerate(batches(history, 10)):
        record.columns["appended_at"][:] = 10 * offset + np.arange(len(record))
        appended.append(fold.apply(offset, record).appended_at)
    settings = {name: Settings(generation=name) for name in NAMES}
    found = plays_of(contest, np.concatenate(appended), settings)
    kept = [
        (at, each)
        for at, each in enumerate(history)
        if each["kind"] == "LISTEN" and each["listener_id"] != "listener-2"
    ]
    names = [fold.listeners.value(code) for code in found.users.tolist()]
    assert names == [each["listener_id"] for _, each in kept]
    assert found.appended_ms.tolist() == [at for at, _ in kept]
    assert found.listened_ms.tolist() == [each["listened_at"] for _, each in kept]
    assert {*found.came_from} == {*NAMES}
