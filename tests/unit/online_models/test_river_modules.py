"""Parts of River are imported alone: what has a model starts sooner, and needs less memory."""

import subprocess
import sys

import pytest

from online_models.evaluation.drift_watch import ADWIN
from online_models.river_modules import river_module

LARGE = ("scipy.stats", "scipy.special", "sklearn", "river.datasets")
IMPORTED = f"""
import sys
import streams.workers.recommender_worker
import streams.generation.fold_factory
print([name for name in {LARGE} if name in sys.modules])
"""


def test_a_recommender_imports_nothing_large_of_river() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_module_is_the_one_that_its_package_has() -> None:
    from river import drift, reco

    assert drift.ADWIN is ADWIN
    assert river_module("river.reco.base") is reco.base


@pytest.mark.parametrize("name", ["river.reco.nothing", "river.nothing.base", "nothing.reco.base"])
def test_a_module_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=name):
        river_module(name)
