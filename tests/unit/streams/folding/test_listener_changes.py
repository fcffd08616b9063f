"""Who changed since when, one row a listener."""

import numpy as np
import pytest
from numpy.typing import NDArray

from online_models.vocabulary import Vocabulary
from streams.folding.listener_changes import ListenerChanges

NAMES = ["ann", "bob", "cid"]


def codes(*numbers: int) -> NDArray[np.int32]:
    return np.array(numbers, np.int32)


def noted(*events: tuple[int, int, int]) -> ListenerChanges:
    """After events of (listener's code, time, log offset) by any of three listeners."""
    listeners = Vocabulary()
    listeners.encode_many(NAMES)
    changes = ListenerChanges(listeners)
    rows = np.array(events, np.int64).reshape(-1, 3)
    changes.note(rows[:, 0].astype(np.int32), rows[:, 1], rows[:, 2])
    return changes


def test_the_newest_event_and_the_last_change_of_a_listener_are_kept_apart() -> None:
    changes = noted((0, 900, 4), (0, 700, 5))
    assert changes.newest(codes(0)).tolist() == [900]
    assert changes.last_changed(codes(0)).tolist() == [5]


def test_the_order_of_rows_makes_no_difference() -> None:
    events = [(0, 900, 4), (1, 800, 4), (0, 700, 5)]
    assert np.array_equal(noted(*events).rows(), noted(*reversed(events)).rows())


@pytest.mark.parametrize(
    ("log_offset", "listeners"), [(-1, [0, 1]), (3, [0, 1]), (4, [1]), (7, [])]
)
def test_those_are_found_who_changed_beyond_an_offset(
    log_offset: int, listeners: list[int]
) -> None:
    assert noted((0, 900, 4), (1, 800, 7)).after(log_offset).tolist() == listeners


def test_a_listener_without_an_event_that_counted_has_a_row_and_never_changed() -> None:
    changes = noted((0, 900, 4))
    assert len(changes.rows()) == len(NAMES)
    assert changes.not_erased(codes(0, 1, 2)).tolist() == [0]


def test_a_listener_that_was_erased_is_not_found_any_more() -> None:
    changes = noted((0, 900, 4), (1, 800, 7))
    changes.forget(1)
    assert changes.after(-1).tolist() == [0]
    assert changes.not_erased(codes(0, 1)).tolist() == [0]
    assert changes.newest(codes(1)).tolist() == [0]


def test_listeners_who_come_later_get_rows_of_their_own() -> None:
    listeners = Vocabulary()
    changes = ListenerChanges(listeners)
    for at in range(5_000):
        code = listeners.encode_many([f"listener-{at}"])
        changes.note(code, np.array([at]), np.array([at]))
    assert changes.after(-1).tolist() == [*range(5_000)]
    assert changes.last_changed(codes(0, 4_999)).tolist() == [0, 4_999]


def test_the_rows_are_stored_in_the_form_of_every_version() -> None:
    rows = noted((0, 900, 4)).rows()
    assert rows.dtype.descr == [("last_changed", "<i8"), ("newest", "<i8")]
    assert rows.tobytes() == np.array([4, 900, -1, 0, -1, 0], "<i8").tobytes()


def test_rows_that_were_taken_over_are_a_copy() -> None:
    before, after = noted((0, 900, 4)), noted()
    after.load(before.rows())
    before.forget(0)
    assert after.last_changed(codes(0)).tolist() == [4]
