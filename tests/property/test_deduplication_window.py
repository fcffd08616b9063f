"""The compiled duplicate window against a naive one, event by event."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.folding.deduplication_window import DeduplicationWindow, Verdict
from streams.folding.window_kernels import REACH_MAX_MS, REACH_MIN_MS
from tests.support.window_entries import entries

CAPACITY = 40
FORGOTTEN = 10 * REACH_MAX_MS

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 30),  # event key
        st.integers(0, 3),  # listener
        st.integers(0, 3),  # track
        st.integers(0, 8).map(lambda step: step * REACH_MIN_MS // 2),  # listened_at
        st.integers(0, 1),  # source
        st.booleans(),  # is a LISTEN
        st.integers(0, 1),  # ms_played
    ),
    min_size=1,
    max_size=120,
)


def naive(events: list[tuple[Any, ...]], capacity: int) -> list[Verdict]:
    """Without near duplicates, which `test_near_duplicates` compares."""
    window: list[tuple[Any, ...]] = []
    verdicts = []
    for event in events:
        verdict = naive_verdict(event, window)
        if verdict is Verdict.NEW:
            window = [*window, event][-capacity:]
        verdicts.append(verdict)
    return verdicts


def naive_verdict(event: tuple[Any, ...], window: list[tuple[Any, ...]]) -> Verdict:
    key, listener, track, at, source, is_listen, _ = event
    for old in window:
        if old[:2] == (key, listener):
            same = (old[2:4], old[5:]) == (event[2:4], event[5:])
            return Verdict.DUPLICATE if same else Verdict.CONFLICT
    for old in window:
        if is_listen and old[5] and old[1:5] == (listener, track, at, source):
            return Verdict.DUPLICATE
    return Verdict.NEW


def of_one_source(events: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(*event[:4], 0, *event[5:]) for event in events]


@given(EVENTS)
@settings(max_examples=200, deadline=None)
def test_events_of_one_source_are_judged_as_by_a_naive_window(
    events: list[tuple[Any, ...]],
) -> None:
    events = of_one_source(events)
    verdicts = DeduplicationWindow(CAPACITY).classify(entries(events)).tolist()
    assert verdicts == naive(events, CAPACITY)


@given(EVENTS, st.integers(1, 119))
@settings(max_examples=200, deadline=None)
def test_batches_and_restarts_change_no_verdict(events: list[tuple[Any, ...]], cut: int) -> None:
    rows = entries(events)
    whole = DeduplicationWindow(CAPACITY)
    expected = whole.classify(rows).tolist()
    first = DeduplicationWindow(CAPACITY)
    verdicts = first.classify(rows[:cut]).tolist()
    second = DeduplicationWindow(CAPACITY)
    second.load(first.state())
    assert second.digest() == first.digest()
    assert verdicts + second.classify(rows[cut:]).tolist() == expected
    assert second.digest() == whole.digest()
    assert second.unchecked == whole.unchecked


@given(EVENTS, st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_a_forgotten_listener_leaves_nothing_behind(
    events: list[tuple[Any, ...]], listener: int
) -> None:
    window = DeduplicationWindow(CAPACITY)
    window.classify(entries(events))
    window.forget(listener)
    assert listener not in window.entries()["listener"]


def test_what_the_window_forgot_is_counted_as_unchecked() -> None:
    window = DeduplicationWindow(2)
    plays = [(key, 0, 0, key * 2 * REACH_MAX_MS, 0, True, 0) for key in range(4)]
    window.classify(entries(plays))
    assert window.unchecked == 0
    again = window.classify(entries([(9, 0, 0, 0, 0, True, 0)]))
    assert again.tolist() == [Verdict.NEW]
    assert window.unchecked == 1


def counted(event: tuple[object, ...]) -> int:
    """How many events are unchecked after `event`, behind a forgotten LISTEN at `FORGOTTEN`."""
    window = DeduplicationWindow(1)
    window.classify(entries([(0, 0, 0, FORGOTTEN, 0, True, 0), (1, 0, 1, 0, 0, True, 0)]))
    before = window.unchecked
    assert window.classify(entries([event])).tolist() == [Verdict.NEW]
    return window.unchecked - before


def test_another_scrobblers_play_of_a_forgotten_time_is_counted_though_it_began_later() -> None:
    assert counted((9, 0, 0, FORGOTTEN + REACH_MAX_MS, 1, True, 0)) == 1
    assert counted((9, 0, 0, FORGOTTEN + REACH_MAX_MS + 1, 1, True, 0)) == 0


def test_a_forgotten_event_that_is_no_listen_is_counted_when_it_comes_again() -> None:
    window = DeduplicationWindow(1)
    love = (0, 0, 0, FORGOTTEN, 0, False, 0)
    window.classify(entries([love, (1, 0, 1, 3 * FORGOTTEN, 0, True, 0)]))
    assert window.classify(entries([love])).tolist() == [Verdict.NEW]
    assert window.unchecked == 1


def test_a_masked_play_is_never_unchecked_and_is_known_when_it_comes_again() -> None:
    window = DeduplicationWindow(4)
    window.classify(entries([(key, 0, 9, FORGOTTEN, key, False, 0) for key in range(5)]))
    before = window.unchecked
    one, other = (10, 0, 0, FORGOTTEN, 0, True, 0), (11, 0, 0, FORGOTTEN + 1, 1, True, 0)
    verdicts = window.classify(entries([one, other, other])).tolist()
    assert verdicts == [Verdict.NEW, Verdict.MASKED, Verdict.DUPLICATE]
    assert window.unchecked - before == 1
