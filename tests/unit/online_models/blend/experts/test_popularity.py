"""The popularity expert."""

from random import Random

import numpy as np
import pytest

from online_models.blend.experts import popularity
from online_models.blend.experts.popularity import CHART, CHART_MAX, GROWTH, TRACK
from tests.support.compiled import called, records

count = called(popularity.count_track)


@pytest.mark.parametrize("seed", range(3))
def test_the_chart_is_at_any_time_the_top_of_the_whole_catalogue(seed: int) -> None:
    chance, tracks, [chart] = Random(seed), records(TRACK, 200), records(CHART, 1)
    for _ in range(1_500):
        track = min(chance.randrange(200), chance.randrange(200))
        count(tracks, chart, track, chance.choice([1.0, 0.5, 0.25]))
        played = np.flatnonzero(tracks["count"]).tolist()
        best = sorted(played, key=lambda track: (-tracks["count"][track], track))[:CHART_MAX]
        assert chart["tracks"][: chart["held"]].tolist() == best


def test_a_new_play_counts_more_than_an_old_one() -> None:
    tracks, [chart] = records(TRACK, 3), records(CHART, 1)
    for track in (1, 2):
        count(tracks, chart, track, 1.0)
    assert chart["tracks"][:2].tolist() == [2, 1]
    assert tracks["count"][2] / tracks["count"][1] == pytest.approx(GROWTH)
