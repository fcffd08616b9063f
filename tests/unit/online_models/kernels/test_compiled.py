"""Cached machine code is the code of these sources, also if other versions were compiled since."""

import os
import subprocess
import sys
from pathlib import Path

_ASK = """
import sys
from online_models.kernels import compiled
compiled.sources_stamp = lambda: sys.argv[1]
from asked import answer
print(answer(), sum(answer.stats.cache_hits.values()))
"""
_MODULE = """
from online_models.kernels.compiled import njit_cached
@njit_cached
def answer():
    return {value}
"""


def answer_of(version: int, folder: Path) -> list[int]:
    """What the function of that version of the sources says, and whether it was compiled before."""
    (folder / "asked.py").write_text(_MODULE.format(value=version))
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join([str(folder), os.getcwd()]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-c", _ASK, f"stamp-of-{version}"[::-1]]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [int(word) for word in finished.stdout.split()]


def test_a_version_that_is_restored_runs_its_own_code(tmp_path: Path) -> None:
    assert [answer_of(version, tmp_path) for version in (1, 2, 1)] == [[1, 0], [2, 0], [1, 1]]
