"""The verdict of a comparison of two generations follows from its confidence sequence."""

import pytest

from online_models.evaluation.confidence import Interval
from streams.evaluation.comparison import (
    Measured,
    Verdict,
    contest_of_two,
    plays_to_go,
    verdict_of,
)
from streams.settings import Settings
from topics.errors import SettingsError


def found(low: float, high: float, clusters: int = 64) -> Measured:
    mean, radius = (low + high) / 2, (high - low) / 2
    return Measured(20_000, 0.2, 0.2, Interval(mean, low, high, radius, radius / 2), clusters)


@pytest.mark.parametrize(
    ("low", "high", "clusters", "verdict"),
    [
        (0.001, 0.02, 64, Verdict.BETTER),
        (-0.02, -0.001, 64, Verdict.WORSE),
        (-0.004, 0.02, 64, Verdict.NO_WORSE),
        (-0.02, 0.02, 64, Verdict.TOO_EARLY),
        (0.001, 0.02, 15, Verdict.TOO_FEW_LISTENERS),
        (0.001, 0.02, 16, Verdict.BETTER),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_number_of_listeners(
    low: float, high: float, clusters: int, verdict: Verdict
) -> None:
    assert verdict_of(found(low, high, clusters)) is verdict


def test_an_undecided_comparison_says_how_many_plays_it_needs() -> None:
    assert plays_to_go(found(-0.01, 0.01)) == 3 * 20_000  # half the width is .01, .005 is needed
    assert plays_to_go(found(-0.02, 0.02)) == 15 * 20_000


def test_generations_that_deduplicate_otherwise_are_not_compared() -> None:
    one = Settings(generation="first")
    other = one.model_copy(update={"generation": "second", "duplicate_window": 2_048})
    with pytest.raises(SettingsError, match="deduplicate otherwise"):
        contest_of_two({"first": one, "second": other})
