"""A confidence sequence is right however often one looks, and for other listeners, too."""

import numpy as np
import pytest
from numpy.typing import NDArray

from online_models.evaluation import confidence
from online_models.evaluation.confidence import CLUSTERS, PairedDifference, stitched_boundary

RUNS, PLAYS, LOOK_EVERY = 1_000, 6_000, 100


def test_the_boundary_is_that_of_its_authors() -> None:
    """The value that their own implementation tests."""
    assert stitched_boundary(100.0, 0.05, minimum=10.0, scale=3.0) == pytest.approx(64.48755)


def equal_models(random: np.random.Generator, listeners: int) -> tuple[NDArray, NDArray]:
    """Differences of two models that are equal on average, and each play's cluster.

    Each listener has a model that suits them better, and some play much more than others.
    """
    often = np.exp(random.normal(0.0, 1.0, listeners))
    heard = random.choice(listeners, PLAYS, p=often / often.sum())
    suits = random.normal(0.0, 0.1, listeners)[heard]
    drawn = random.random(PLAYS)
    differences = np.where(drawn < 0.1 + suits / 2, 1.0, 0.0) - (drawn > 0.9 + suits / 2)
    return differences, heard % CLUSTERS


def is_ever_decided(differences: NDArray, clusters: NDArray) -> bool:
    """Whether one of the looks, one each hundred plays, finds a difference."""
    sums = PairedDifference()
    for start in range(0, PLAYS, LOOK_EVERY):
        block = slice(start, start + LOOK_EVERY)
        sums.update(differences[block], clusters[block])
        found = sums.interval()
        if found.low > 0 or found.high < 0:
            return True
    return False


def wrong_share(listeners: int, runs: int = RUNS) -> float:
    random = np.random.default_rng(17)
    return sum(is_ever_decided(*equal_models(random, listeners)) for _ in range(runs)) / runs


def test_of_a_thousand_comparisons_of_equal_models_at_most_one_in_twenty_finds_a_difference() -> (
    None
):
    assert wrong_share(listeners=300) <= 0.05


def test_a_few_listeners_who_play_much_decide_nothing_that_is_not_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert wrong_share(listeners=30, runs=300) <= 0.05
    monkeypatch.setattr(confidence, "mixture_boundary", lambda *_: 0.0)
    assert wrong_share(listeners=30, runs=300) > 0.2  # without the clusters it would be


def test_a_real_difference_is_found() -> None:
    random, sums = np.random.default_rng(1), PairedDifference()
    for _ in range(200):
        better = (random.random(100) < 0.25).astype(float) - (random.random(100) < 0.15)
        sums.update(better, random.integers(0, CLUSTERS, 100))
    found = sums.interval()
    assert found.low > 0.05
    assert found.high < 0.15
    assert sums.clusters == CLUSTERS


def test_before_the_first_play_everything_is_possible() -> None:
    assert PairedDifference().interval()[:3] == (0.0, -1.0, 1.0)


def test_the_variance_compares_with_the_mean_before_each_block() -> None:
    sums = PairedDifference()
    ones, clusters = np.ones(10), np.zeros(10, np.int64)
    sums.update(ones, clusters)
    assert sums.variance == 10.0  # the mean was 0
    sums.update(ones, clusters)
    assert sums.variance == 10.0  # the mean was 1
