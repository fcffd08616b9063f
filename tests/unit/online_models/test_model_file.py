"""Models as TOML."""

import pytest

from online_models.blend.blend_config import PRESETS
from online_models.blend.candidates.features import FEATURES
from online_models.errors import ModelError
from online_models.model_file import FEATURE_NAMES, completed, read, written
from online_models.registry import MODELS, build


@pytest.mark.parametrize("name", [each for each in MODELS if each != "river"])
def test_a_preset_spelt_out_is_the_same_model(name: str) -> None:
    text = written(completed({"model": name}))
    assert build(read(text, "preset")).digest() == build({"model": name}).digest()


@pytest.mark.parametrize("preset", PRESETS)
def test_what_a_file_changes_is_part_of_the_model(preset: str) -> None:
    model = build(read(f'model = "{preset}"\nring = 64\nwithout = ["tables"]', "mine"))
    assert model.identity() != build({"model": preset}).identity()
    assert "64" in str(model.identity())


def test_features_are_given_by_name() -> None:
    assert sorted(FEATURE_NAMES.values()) == list(range(FEATURES))
    config = read('model = "best"\nstart = {t1 = 1.5, popular = 0.25}', "mine")
    assert dict(build(config).config.start) == {  # type: ignore[attr-defined]
        FEATURE_NAMES["t1"]: 1.5,
        FEATURE_NAMES["popular"]: 0.25,
    }


def test_a_model_of_river_may_have_parameters() -> None:
    config = read('model = "river"\nranker = "BiasedMF"\nparams = {n_factors = 4}', "mine")
    assert build(config).identity()[-2:] == ["BiasedMF", {"n_factors": 4}]
    assert read(written(config), "again") == config


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("model = ", "mine.toml is no TOML"),
        ("ring = 64", "mine.toml: model: field required"),
        ('modell = "best"', "there is nothing called 'modell'. There may be: model, "),
        ('model = "oracle"', "no model 'oracle'. Models are: best"),
        ('model = "best"\nring = 1.5', "ring: input should be a valid integer"),
        ('model = "best"\nring = "64"', "ring: input should be a valid integer"),
        ('model = "best"\nring = 9999', "ring is 9999. Give a number from 0 to 1024"),
        ('model = "best"\nrate = nan', "rate: input should be"),
        ('model = "best"\nwithout = "own"', "without: input should be a valid"),
        ('model = "best"\nwithout = ["magic"]', "no expert 'magic'. Experts are: "),
        ('model = "best"\nstart = {magic = 1}', "no feature 'magic'. Features: t1, "),
        ('model = "best"\nranker = "BiasedMF"', "ranker"),
        ('model = "best"\nrate = 2015-01-01', "rate: input should be"),
    ],
)
def test_a_wrong_file_is_refused_with_the_permitted_names(text: str, problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        read(text, "mine.toml")
    assert "mine.toml" in str(caught.value)
    assert problem in str(caught.value)
    assert caught.value.remedy
