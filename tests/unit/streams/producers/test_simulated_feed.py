"""The pace at which generated events are sent."""

import pytest

from streams.producers.simulated_feed import RateLimit


class AClock:
    """A clock that a test moves."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_without_a_rate_nothing_waits() -> None:
    limit = RateLimit(None, AClock())
    assert [limit.due_in_s() for _ in range(3)] == [0.0] * 3


def test_steps_are_due_at_equal_distances_from_the_beginning() -> None:
    limit = RateLimit(4.0, AClock())
    assert [limit.due_in_s() for _ in range(3)] == pytest.approx([0.25, 0.5, 0.75])


def test_what_is_late_does_not_wait_until_it_has_caught_up() -> None:
    clock = AClock()
    limit = RateLimit(4.0, clock)
    clock.now_s += 0.6
    assert [limit.due_in_s() for _ in range(3)] == pytest.approx([0.0, 0.0, 0.15])
