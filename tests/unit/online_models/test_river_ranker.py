"""River's own rankers, hosted: what they promise beyond the contract that every model keeps."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from online_models.base import Signal
from online_models.errors import ModelError
from online_models.river_ranker import CANDIDATES_MAX, RiverRanker
from tests.support.rankers import START_MS, Row, learn, rows

HOSTED = ["Baseline", "BiasedMF", "FunkMF", "RandomNormal"]


def a_hosted(ranker: str, some: list[Row], **params: Any) -> RiverRanker:
    model = RiverRanker(ranker, params)
    learn(model, some)
    return model


@pytest.mark.parametrize("ranker", HOSTED)
def test_every_ranker_of_river_continues_from_its_state_with_equal_results(ranker: str) -> None:
    model, loaded = a_hosted(ranker, rows(1, 100)), RiverRanker(ranker, {})
    loaded.load(model.state())
    assert loaded.digest() == model.digest()
    assert learn(loaded, rows(2, 60)).tolist() == learn(model, rows(2, 60)).tolist()
    assert loaded.digest() == model.digest()


@pytest.mark.parametrize("ranker", HOSTED)
def test_queries_draw_no_random_number_and_create_no_row(ranker: str) -> None:
    model = a_hosted(ranker, rows(3, 100))
    before = model.digest()
    model.recommend("u1")
    model.recommend("nobody")
    model.rank("u2", ["nothing", "i1"])
    assert model.digest() == before


def test_parameters_reach_the_hosted_ranker_and_the_digest() -> None:
    narrow, wide = a_hosted("FunkMF", [], n_factors=2), a_hosted("FunkMF", [], n_factors=3)
    assert narrow._hosted.n_factors == 2
    assert narrow.digest() != wide.digest()


def test_the_state_of_a_ranker_with_other_parameters_is_refused() -> None:
    with pytest.raises(ModelError, match="belongs to"):
        a_hosted("FunkMF", [], n_factors=2).load(a_hosted("FunkMF", [], n_factors=3).state())


def test_only_rankers_of_river_can_be_hosted() -> None:
    for name in ("base", "os.system", "Ranker", "NMF"):
        with pytest.raises(ModelError, match="no ranker"):
            RiverRanker(name)


def test_what_is_liked_ranks_above_what_is_skipped() -> None:
    plays = [
        Row(user, item, y=y)
        for _ in range(20)
        for user in ("ann", "bob")
        for item, y in (("liked", 1.0), ("skipped", -1.0))
    ]
    model = a_hosted("Baseline", [Row("ann", "skipped"), *plays])
    assert model.rank("ann", ["skipped", "liked"]) == ["liked", "skipped"]


def test_an_infinite_reward_counts_as_the_highest_reward() -> None:
    highest, endless = a_hosted("BiasedMF", rows(4, 30)), a_hosted("BiasedMF", rows(4, 30))
    learn(highest, [Row("u1", "i1", y=1.0)])
    learn(endless, [Row("u1", "i1", y=float("inf"))])
    assert endless.digest() == highest.digest()


def test_river_learns_no_explicit_feedback_and_hated_tracks_are_not_proposed() -> None:
    model = a_hosted("Baseline", rows(5, 100))
    liked = model.recommend("u1", 1)[0].item
    learn(model, [Row("u1", str(liked), signal=Signal.HATE, at_ms=START_MS + 10**8)])
    assert liked not in [each.item for each in model.recommend("u1", 1_000)]


def test_lists_hold_no_more_than_the_candidates_whatever_the_catalogue() -> None:
    model = a_hosted("Baseline", [Row("u1", f"i{at}", at_ms=START_MS + at) for at in range(300)])
    assert 20 < len(model.recommend("u1", 1_000)) <= CANDIDATES_MAX


@pytest.mark.parametrize("ranker", ["Baseline", "BiasedMF"])
def test_nothing_of_a_forgotten_listener_is_left_in_the_state(ranker: str) -> None:
    model = a_hosted(ranker, [Row("ann", "so what"), Row("bob", "so what")])
    tables = [table for table in vars(model._hosted).values() if isinstance(table, dict)]
    assert any("u0" in table for table in tables)
    model.forget(0)
    assert not any("u0" in table for table in tables)
    assert any("u1" in table for table in tables)


class _Evil:
    """Pickles itself as a call."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


def a_state_with(pickled: bytes) -> dict[str, np.ndarray[Any, Any]]:
    return RiverRanker("Baseline").state() | {"hosted": np.frombuffer(pickled, np.uint8)}


def test_a_state_cannot_call_what_it_names(tmp_path: Path) -> None:
    called = tmp_path / "called"
    for evil in (_Evil(Path.touch, called), _Evil(eval, f"open({str(called)!r}, 'w')")):
        with pytest.raises(ModelError, match="no model's"):
            RiverRanker("Baseline").load(a_state_with(pickle.dumps(evil)))
    assert not called.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (b"river.reco.biased_mf", b"collections.OrderedDict"),
        (b"river.reco.biased_mf", b"collections"),
        (b"river_lookalike", b"Ranker"),
        (b"numpy", b"load"),
        (b"builtins", b"getattr"),
    ],
)
def test_a_name_within_a_module_of_rivers_is_not_rivers(module: bytes, name: bytes) -> None:
    named = b"\x80\x04" + b"".join(b"\x8c" + bytes([len(x)]) + x for x in (module, name)) + b"\x93."
    with pytest.raises(ModelError, match="no model's"):
        RiverRanker("Baseline").load(a_state_with(named))


def test_a_state_with_another_class_is_refused() -> None:
    with pytest.raises(ModelError, match="not a Baseline"):
        RiverRanker("Baseline").load(a_state_with(pickle.dumps([1, 2])))
