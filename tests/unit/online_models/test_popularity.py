"""What everybody plays now."""

from random import Random

import numpy as np
import pytest

from online_models.contexts import NOTHING
from online_models.popularity import (
    CHART_MAX,
    GROWTH,
    SCALE_MAX,
    Chart,
    Popularity,
    count,
    empty_chart,
    no_popularity,
)


def naive_chart(popularity: Popularity) -> list[int]:
    """The whole catalogue sorted."""
    counts = popularity.counts
    played = np.flatnonzero(counts).tolist()
    best = sorted(played, key=lambda track: (-counts[track], track))[:CHART_MAX]
    return best + [NOTHING] * (CHART_MAX - len(best))


def played(*tracks: int, catalogue: int = 200) -> tuple[Popularity, Chart]:
    popularity, chart = no_popularity(catalogue), empty_chart()
    for track in tracks:
        count(popularity, chart, track, 1.0)
    return popularity, chart


@pytest.mark.parametrize("seed", range(4))
def test_the_chart_is_at_any_time_the_top_of_the_whole_catalogue(seed: int) -> None:
    chance = Random(seed)
    popularity, chart = played()
    for _ in range(2_000):
        track = min(chance.randrange(200), chance.randrange(200))
        count(popularity, chart, track, chance.choice([1.0, 0.5, 0.25]))
        assert chart.tracks.tolist() == naive_chart(popularity)


def test_a_new_play_counts_more_than_an_old_one() -> None:
    popularity, chart = played(1, 2)
    assert chart.tracks[:3].tolist() == [2, 1, NOTHING]
    assert popularity.counts[2] / popularity.counts[1] == pytest.approx(GROWTH)


def test_equally_popular_tracks_stand_by_code() -> None:
    popularity, chart = played(3)
    popularity.counts[1] = popularity.counts[2] = 5.0
    popularity.counts[9] = 5.0 - chart.scale[0] * GROWTH
    chart.tracks[:3] = [1, 2, 3]
    count(popularity, chart, 9, 1.0)
    assert popularity.counts[9] == 5.0
    assert chart.tracks[:4].tolist() == [1, 2, 9, 3]


def test_numbers_that_grow_are_brought_back_without_a_change_of_order_or_share() -> None:
    popularity, chart = played(*range(60), *range(0, 60, 2))
    shares = popularity.counts / chart.scale[0]
    grown = SCALE_MAX / chart.scale[0]
    popularity.counts[:] *= grown
    chart.scale[0] = SCALE_MAX
    count(popularity, chart, 1, 1.0)
    assert chart.scale[0] < 2.0
    expected = shares / GROWTH
    expected[1] += 1.0
    assert popularity.counts / chart.scale[0] == pytest.approx(expected)
    assert chart.tracks.tolist() == naive_chart(popularity)
