"""Hashes of a configuration stay what stored snapshots and frontiers say they are."""

import pytest

from infra.memory import Memory
from streams.generation import model_choice
from streams.generation.fold_factory import configuration_of, lists_made_by, new_fold
from streams.generation.warm_up import warm_up
from streams.settings import Settings
from topics.errors import SettingsError

A_SETTING = {"model": "popularity", "duplicate_window": 1024, "list_length": 20}


def settings(**changes: object) -> Settings:
    return Settings(**(A_SETTING | changes))  # type: ignore[arg-type]


def test_the_hashes_of_a_configuration_are_pinned() -> None:
    assert configuration_of(settings()) == "ed09bb205dc0fa11"
    assert lists_made_by(settings()) == "04f95263688881c8"


@pytest.mark.parametrize("change", [{"model": "fast"}, {"duplicate_window": 2048}])
def test_a_state_depends_on_the_model_and_the_duplicate_window(change: dict[str, object]) -> None:
    assert configuration_of(settings(**change)) != configuration_of(settings())


@pytest.mark.parametrize("change", [{"list_length": 10}, {"artist_max": 1}, {"new_share_min": 0.5}])
def test_the_shape_of_lists_changes_lists_but_no_state(change: dict[str, object]) -> None:
    assert configuration_of(settings(**change)) == configuration_of(settings())
    assert lists_made_by(settings(**change)) != lists_made_by(settings())


def test_generations_with_equal_settings_have_states_but_no_publications_in_common() -> None:
    assert configuration_of(settings(generation="other")) == configuration_of(settings())
    assert lists_made_by(settings(generation="other")) != lists_made_by(settings())


def test_a_new_fold_has_folded_nothing() -> None:
    fold = new_fold(settings())
    assert (fold.offset, fold.applied) == (-1, 0)
    assert new_fold(settings()).digest() == fold.digest()


def test_a_model_that_does_not_exist_is_refused_by_the_name_of_its_setting() -> None:
    with pytest.raises(SettingsError, match="ECHOTUNE_MODEL"):
        new_fold(settings(model="no-such-model"))


@pytest.mark.parametrize("change", [{"learn_from": 5}, {"learn_until": 5}])
def test_a_generation_that_learns_a_part_of_the_log_has_another_state(
    change: dict[str, object],
) -> None:
    assert configuration_of(settings(**change)) != configuration_of(settings())
    assert configuration_of(settings(learn_from=0, learn_until=None)) == configuration_of(
        settings()
    )


def test_a_new_fold_learns_from_the_configured_offset_on() -> None:
    assert new_fold(settings(learn_from=5)).learn_from == 5


def test_a_model_is_compiled_though_its_generation_learns_nothing_of_the_first_records() -> None:
    warm_up(settings(learn_from=5))  # it would rank listeners that nobody has met


def test_a_model_whose_tables_this_machine_cannot_hold_is_refused_before_it_learns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_choice, "memory_here", lambda: Memory(100 * 2**20, 50 * 2**20))
    with pytest.raises(SettingsError, match="container, has 100 MiB") as refused:
        new_fold(settings(model="fast"))
    assert "grams" in refused.value.remedy
    assert configuration_of(settings(model="fast"))  # it may be created here, for another machine
