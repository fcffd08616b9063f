"""The same plays give the same bytes: in any process, with any hash seed, on any processor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.rankers import digests_and_lists

ROOT = Path(__file__).parents[2]
TELL = (
    "import json; from tests.support.rankers import digests_and_lists; "
    "print(json.dumps(digests_and_lists()))"
)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2"},
        {"PYTHONHASHSEED": "3", "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    ],
    ids=["one hash seed", "another hash seed", "a processor without extensions"],
)
def test_another_process_ends_in_the_same_bytes(environment: dict[str, str]) -> None:
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", TELL],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == digests_and_lists()
