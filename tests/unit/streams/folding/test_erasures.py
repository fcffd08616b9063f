"""An erased listener is refused what they did before, and nothing else is kept of them."""

import numpy as np

from streams.folding.erasures import Erasures, listener_hash


def refused(erasures: Erasures, *rows: tuple[str, int]) -> list[bool]:
    strings = sorted({listener_id for listener_id, _ in rows})
    listeners = np.array([strings.index(listener_id) for listener_id, _ in rows], np.int32)
    at_ms = np.array([at for _, at in rows], np.int64)
    return [*map(bool, erasures.refused(strings, listeners, at_ms))]


def test_plays_up_to_the_moment_of_the_erasure_are_refused() -> None:
    erasures = Erasures()
    erasures.erase("ann", 100, 3)
    assert refused(erasures, ("ann", 99), ("ann", 100), ("ann", 101)) == [True, True, False]


def test_other_listeners_are_not_concerned() -> None:
    erasures = Erasures()
    erasures.erase("ann", 100, 3)
    assert refused(erasures, ("bob", 1), ("ann", 1), ("ann ", 1)) == [False, True, False]


def test_without_any_erasure_nothing_is_refused() -> None:
    assert refused(Erasures(), ("ann", 1), ("bob", 2)) == [False, False]


def test_of_two_erasures_the_later_one_counts_in_whatever_order_they_come() -> None:
    erasures = Erasures()
    for at_ms in (100, 200, 50):
        erasures.erase("ann", at_ms, 3)
    assert refused(erasures, ("ann", 200), ("ann", 201)) == [True, False]


def test_only_a_hash_is_kept_and_it_is_the_same_in_any_process() -> None:
    erasures = Erasures()
    erasures.erase("björk-fan", 7, 3)
    assert erasures.newest == {listener_hash("björk-fan"): (7, 3)}
    assert listener_hash("björk-fan").hex() == "90900ed243cdbc5b25dcf76b511b29b6"


def test_it_knows_which_records_of_the_log_say_who_was_erased_since() -> None:
    erasures = Erasures()
    for listener_id, at_ms, log_offset in (("ann", 1, 4), ("bob", 9, 5), ("cid", 2, 5)):
        erasures.erase(listener_id, at_ms, log_offset)
    assert [erasures.after(at) for at in (-1, 3, 4, 5)] == [[4, 5], [4, 5], [5], []]
    erasures.erase("ann", 2, 8)
    erasures.erase("bob", 8, 9)  # an older one, which comes late
    assert erasures.after(-1) == [5, 8]
