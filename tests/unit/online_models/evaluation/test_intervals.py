"""Means and their confidence intervals."""

import numpy as np
import pytest

from online_models.evaluation.intervals import Z_95, estimate, hits, reciprocals


def test_places_become_hits_and_reciprocal_ranks() -> None:
    places = np.array([0, 4, 5, 19, -1, -2], np.int8)
    assert hits(places, 5).tolist() == [1, 1, 0, 0, 0, 0]
    assert reciprocals(places, 20).tolist() == pytest.approx([1, 1 / 5, 1 / 6, 1 / 20, 0, 0])


def test_the_interval_of_listeners_with_one_play_each_is_the_usual_one() -> None:
    values = np.array([1.0] * 30 + [0.0] * 70)
    found = estimate(values, np.arange(100, dtype=np.int32))
    margin = Z_95 * values.std(ddof=1) / 10
    assert found.mean == 0.3
    assert found.interval == pytest.approx([0.3 - margin, 0.3 + margin])


def test_correlated_plays_of_a_listener_make_the_interval_wider() -> None:
    users = np.repeat(np.arange(50, dtype=np.int32), 20)
    alike = np.repeat(np.arange(50) % 2, 20).astype(np.float64)
    mixed = np.tile(np.arange(20) % 2, 50).astype(np.float64)
    assert estimate(alike, users).mean == estimate(mixed, users).mean == 0.5
    assert estimate(mixed, users).interval == [0.5, 0.5]
    low, high = estimate(alike, users).interval
    assert high - low == pytest.approx(2 * Z_95 * np.std([0, 1] * 25, ddof=1) / 50**0.5)


def test_the_interval_contains_the_true_mean_in_about_95_percent_of_samples() -> None:
    chance = np.random.default_rng(1)
    users = np.repeat(np.arange(200, dtype=np.int32), chance.integers(1, 40, 200))
    held = 0
    for _ in range(400):
        taste = chance.beta(2, 3, 200)
        found = estimate((chance.random(len(users)) < taste[users]).astype(np.float64), users)
        held += found.low <= 0.4 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_for_a_single_listener_each_play_is_a_cluster() -> None:
    values = np.array([1.0, 0.0] * 50)
    alone, apart = estimate(values, np.zeros(100, np.int32)), estimate(values, np.arange(100))
    assert alone == apart
    assert alone.low < 0.5 < alone.high


def test_an_estimate_without_values_is_zero() -> None:
    assert estimate(np.zeros(0), np.zeros(0, np.int32)).interval == [0.0, 0.0]
    assert estimate(np.ones(1), np.zeros(1, np.int32)).interval == [1.0, 1.0]
