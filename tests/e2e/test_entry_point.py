"""The command finds its own packages, and can be stopped while it is being loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.station import REPOSITORY

SCRIPT = """
import sys
from echotune_command import run
if __name__ == '__main__':
    sys.exit(run())
"""
FOREIGN = "raise SystemExit('a foreign package was imported')"
STOPS_ITSELF = """
import os, signal
os.kill(os.getpid(), signal.SIGINT)
"""


def command(folder: Path) -> list[str]:
    """The command as an installation has it: a script, far from the packages."""
    script = folder / "bin" / "echotune"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    return [sys.executable, str(script)]


def environment(*folders: Path) -> dict[str, str]:
    own = REPOSITORY / "streams" / "cli" / "entry"
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*folders, own)))}


@pytest.mark.parametrize("name", ["streams", "topics", "infra", "online_models"])
def test_a_package_of_another_program_in_pythonpath_does_not_take_the_place_of_ours(
    name: str, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    (foreign / name).mkdir(parents=True)
    (foreign / name / "__init__.py").write_text(FOREIGN)
    (foreign / f"{name}.py").write_text(FOREIGN)
    done = subprocess.run(
        [*command(tmp_path), "models"],
        cwd=foreign,
        env=environment(foreign),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "popularity" in done.stdout


def test_what_stops_the_command_while_it_loads_its_libraries_ends_it_without_a_traceback(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    (folder / "typer.py").write_text(STOPS_ITSELF)
    done = subprocess.run(
        [*command(tmp_path), "models"],
        env=environment(folder),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, b"")
