"""Models by name."""

from typing import Any, NoReturn

import pytest

from online_models.blend.experts.ngrams import GRAM
from online_models.errors import ModelError
from online_models.registry import MODELS, build, config_hash


def test_every_name_builds_the_model_that_bears_it() -> None:
    assert [build({"model": name}).model_name for name in MODELS] == list(MODELS)


@pytest.mark.parametrize(
    "config", [{}, {"model": None}, {"model": "first blend"}, {"model": ["fast"]}]
)
def test_an_unknown_model_is_an_error_that_lists_all_models(config: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="fast, last_transition"):
        build(config)


def test_a_parameter_that_the_hosted_ranker_does_not_have_is_an_error() -> None:
    with pytest.raises(ModelError, match="n_lakes"):
        build({"model": "river", "ranker": "FunkMF", "params": {"n_lakes": 3}})


def test_a_model_that_does_not_fit_into_memory_is_an_error_that_says_what_to_make_smaller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_large(**_: object) -> NoReturn:
        raise MemoryError("Unable to allocate 6.00 GiB")

    monkeypatch.setitem(MODELS, "best", too_large)
    with pytest.raises(ModelError, match=r"6\.00 GiB") as refused:
        build({"model": "best", "grams": 1 << 26})
    assert "67108864" in refused.value.message
    assert "grams" in refused.value.remedy


def test_tables_of_a_fixed_size_are_counted() -> None:
    small, large = (build({"model": "fast", "grams": grams}) for grams in (1 << 10, 1 << 12))
    assert large.fixed_bytes - small.fixed_bytes == 2 * 3 * (1 << 10) * GRAM.itemsize
    assert build({"model": "river"}).fixed_bytes == 0


def test_the_hash_of_a_configuration_does_not_depend_on_the_order_of_its_keys() -> None:
    one = config_hash({"model": "river", "ranker": "FunkMF"})
    assert one == config_hash({"ranker": "FunkMF", "model": "river"})
    assert one != config_hash({"model": "river", "ranker": "BiasedMF"})
