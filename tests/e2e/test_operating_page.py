"""Every command of docs/operating.md works as it stands there, one after another."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runs import Home
from tests.support.station import REPOSITORY

PAGE = REPOSITORY / "docs" / "operating.md"
EVENTS = 1_000
COMMAND_TIMEOUT_S = 600.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home in which `echotune run` feeds generated listeners."""
    home = Home(tmp_path / "home")
    home.begin("run", "--rate", "50")
    home.wait_applied(EVENTS)
    yield home
    elsewhere = Home(tmp_path / "elsewhere")
    elsewhere.run("down")  # if the page has not come to it
    home.close()


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.mark.timeout(1_800)
def test_every_command_of_the_page_works(home: Home, tmp_path: Path) -> None:
    said = {}
    for command in commands():
        done = subprocess.run(
            ["bash", "-c", f'echotune() {{ "{sys.executable}" -m streams.cli "$@"; }}; {command}'],
            cwd=tmp_path,
            env=home.environment | {"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        said[command] = done.stdout + done.stderr
    assert "second has caught up" in said["echotune generations wait second --lag 1s"]
    assert re.search("(second is|Too|too)", said["echotune generations compare second first"])
    by_served = said["echotune generations compare second first --by-served"]
    assert "What came from their own list" in by_served
    assert (
        "trial has learnt the log"
        in said["echotune replay --generation trial --model popularity --from 10"]
    )
    proof = said["ECHOTUNE_HOME=elsewhere echotune restore backup --prove"]
    assert "the digest is equal" in proof
    assert "equal" in said["echotune verify"]
