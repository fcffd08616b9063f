import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.synthetic.chance import Chance, Weighted, zipf

KEYS = np.arange(20_000)


@given(seed=st.integers(-(2**70), 2**70), key=st.integers(-(2**63), 2**63 - 1))
def test_a_draw_lies_between_zero_and_one_whatever_is_asked(seed: int, key: int) -> None:
    assert 0 <= Chance(seed).share("any", key)[0] < 1


@given(st.integers(0, 2**32), st.sampled_from(["skip", "kind", ""]))
def test_draws_are_even_and_do_not_follow_their_keys(seed: int, what: str) -> None:
    shares = Chance(seed).share(what, KEYS)
    assert abs(np.histogram(shares, bins=10, range=(0, 1))[0] / len(KEYS) - 0.1).max() < 0.015
    assert abs(np.corrcoef(shares[:-1], shares[1:])[0, 1]) < 0.05


def test_a_draw_is_the_same_alone_and_among_others() -> None:
    chance = Chance(3)
    assert chance.share("x", KEYS, 5)[77] == chance.share("x", 77, 5)[0]


def test_keys_in_another_order_are_another_question() -> None:
    assert Chance(3).share("x", 1, 2)[0] != Chance(3).share("x", 2, 1)[0]


def test_numbers_below_a_limit_reach_all_of_them() -> None:
    assert set(Chance(3).below(6, "die", KEYS).tolist()) == set(range(6))


def test_weights_are_kept() -> None:
    drawn = Weighted([1, 0, 3]).at(Chance(3).share("w", KEYS))
    assert np.bincount(drawn)[1] == 0
    assert abs((drawn == 2).mean() - 0.75) < 0.02


def test_the_last_share_falls_on_the_last_number() -> None:
    assert zipf(40).at(np.array([np.nextafter(1.0, 0.0)])).tolist() == [39]


def test_zipf_halves_the_second_and_flattens() -> None:
    shares = Chance(3).share("z", KEYS)
    steep, flat = (np.bincount(zipf(10, by).at(shares)) for by in (0, 20))
    assert abs(steep[0] / steep[1] - 2) < 0.2
    assert flat[0] / flat[9] < 1.8
