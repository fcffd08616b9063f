"""Safeguards can be taken away, and by nothing but what they guard."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mutations import _check_called_alike

REPOSITORY = Path(__file__).parent.parent.parent
EACH_BY_ITSELF = """
import os
from tests.support.mutations import MUTATIONS
for name, take_away in MUTATIONS.items():
    if (child := os.fork()) == 0:
        take_away()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
"""


def test_every_safeguard_can_be_taken_away_without_breaking_how_it_is_called() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EACH_BY_ITSELF],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_mutation_that_its_callers_could_not_call_is_refused() -> None:
    def guard(this: object, kafka: str, registry: str = "", *, clock: object) -> None: ...

    _check_called_alike(guard, lambda *arguments, clock: None)
    with pytest.raises(TypeError):
        _check_called_alike(guard, lambda this, kafka, **more: None)
