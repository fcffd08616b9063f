"""Cached machine code is the code of these sources, also if other versions were compiled since."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from online_models.kernels.cache_folder import private_folder

_ASK = """
import sys
from online_models.kernels import compiled
compiled.sources_stamp = lambda: sys.argv[1]
from asked import answer
print(answer(), sum(answer.stats.cache_hits.values()))
"""
_NO_TEMPORARY_FILES = "import tempfile; tempfile.tempdir = '/proc/none'"
_MODULE = """
from online_models.kernels.compiled import njit_cached
@njit_cached
def answer():
    return {value}
"""


def answer_of(version: int, folder: Path, **changes: str) -> list[int]:
    """What the function of that version of the sources says, and whether it was compiled before."""
    (folder / "asked.py").write_text(_MODULE.format(value=version))
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join([str(folder), os.getcwd()]),
        "PYTHONDONTWRITEBYTECODE": "1",
        **changes,
    }
    command = [sys.executable, "-c", _ASK, f"stamp-of-{version}"[::-1]]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [int(word) for word in finished.stdout.split()]


def test_a_version_that_is_restored_runs_its_own_code(tmp_path: Path) -> None:
    assert [answer_of(version, tmp_path) for version in (1, 2, 1)] == [[1, 0], [2, 0], [1, 1]]


def a_place_that_cannot_be_written(folder: Path) -> dict[str, str]:
    """Variables that leave numba none of its folders; a file stands where one beside would be."""
    (folder / "__pycache__").write_text("no folder")
    return {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": "/proc/none", "HOME": "/proc/none"}


def test_code_is_kept_among_temporary_files_where_numba_can_write_no_folder(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    nowhere = a_place_that_cannot_be_written(tmp_path) | {"TMPDIR": str(tmp_path / "temporary")}
    assert [answer_of(5, tmp_path, **nowhere) for _ in range(2)] == [[5, 0], [5, 1]]
    [kept] = (tmp_path / "temporary").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o700


def test_code_is_compiled_each_time_where_no_folder_at_all_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = a_place_that_cannot_be_written(tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "_ASK", _NO_TEMPORARY_FILES + _ASK)
    assert [answer_of(5, tmp_path, **nowhere) for _ in range(2)] == [[5, 0], [5, 0]]


def test_code_is_not_read_from_a_folder_that_others_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    prepared = tmp_path / f"echotune-compiled-{os.getuid()}"
    prepared.mkdir()
    prepared.chmod(0o777)
    chosen = private_folder.__wrapped__()
    assert chosen is not None
    assert Path(chosen) != prepared
    assert Path(chosen).stat().st_mode & 0o777 == 0o700
