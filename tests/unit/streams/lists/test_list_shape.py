"""What people may ask of lists: fewer tracks of one artist, more that is new to them."""

import numpy as np

from online_models.base import Ranker
from streams.lists.list_shape import ListShape, shape_of
from streams.settings import Settings
from tests.support.rankers import MINUTE_MS, START_MS, Row, a_ranker

K = 6


def a_model() -> Ranker:
    """Ann has played one artist's tracks; bob has played those and others."""
    ann = [f"a{at}" for at in range(8)]
    bob = [*ann, *(f"b{at}" for at in range(8))]
    plays = [("bob", item) for item in bob] + [("ann", item) for item in ann]
    return a_ranker(
        "fast",
        [
            Row(who, item, item[0], at_ms=START_MS + at * MINUTE_MS)
            for at, (who, item) in enumerate(plays)
        ],
    )


def listed(shape: ListShape, who: str = "ann") -> list[str]:
    model = a_model()
    listeners = np.array([model.users.code(who)], np.int32)
    items, scores, _ = shape.ranked(model, listeners)
    codes = items[0][items[0] >= 0]
    assert (
        sorted(scores[0][: len(codes)].tolist(), reverse=True) == scores[0][: len(codes)].tolist()
    )
    return [str(model.items.value(code)) for code in codes.tolist()]


def test_without_a_wish_the_list_is_the_ranking() -> None:
    model = a_model()
    assert listed(ListShape(K)) == [each.item for each in model.recommend("ann", K)]
    assert shape_of(Settings()) == ListShape(20)


def test_no_artist_has_more_tracks_than_are_asked_for() -> None:
    for artist_max in (1, 2):
        artists = [item[0] for item in listed(ListShape(K, artist_max))]
        assert sorted(artists) == ["a"] * artist_max + ["b"] * artist_max


def test_the_share_that_is_new_to_the_listener_is_reached_where_it_can_be() -> None:
    plain = listed(ListShape(K))
    assert [item[0] for item in plain].count("b") < 4
    shaped = listed(ListShape(K, new_share_min=0.6))
    assert [item[0] for item in shaped].count("b") == 4
    assert len(shaped) == K
    assert len(listed(ListShape(K, new_share_min=1.0), "bob")) == K


def test_who_is_not_known_gets_a_list_too() -> None:
    artists = [item[0] for item in listed(ListShape(K, artist_max=2), "nobody")]
    assert sorted(artists) == ["a", "a", "b", "b"]
