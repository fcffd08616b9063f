"""Models by name."""

import pytest

from online_models.errors import ModelError
from online_models.registry import MODELS, build, config_hash


def test_every_name_builds_the_model_that_bears_it() -> None:
    assert [build({"model": name}).model_name for name in MODELS] == list(MODELS)


@pytest.mark.parametrize("config", [{}, {"model": None}, {"model": "first blend"}])
def test_an_unknown_model_is_an_error_that_lists_all_models(config: dict[str, str]) -> None:
    with pytest.raises(ModelError, match="fast, last_transition"):
        build(config)


def test_a_parameter_that_the_hosted_ranker_does_not_have_is_an_error() -> None:
    with pytest.raises(ModelError, match="n_lakes"):
        build({"model": "river", "ranker": "FunkMF", "params": {"n_lakes": 3}})


def test_the_hash_of_a_configuration_does_not_depend_on_the_order_of_its_keys() -> None:
    one = config_hash({"model": "river", "ranker": "FunkMF"})
    assert one == config_hash({"ranker": "FunkMF", "model": "river"})
    assert one != config_hash({"model": "river", "ranker": "BiasedMF"})
