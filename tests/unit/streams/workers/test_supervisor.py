"""A run gives its processes the time that they give themselves to stop in."""

import sys
from pathlib import Path

import pytest

from streams.workers.supervisor import Supervisor
from tests.support.station import wait_until

SAVES_SLOWLY = """#!{python}
import pathlib, signal, sys, time
folder = pathlib.Path(__file__).parent
def save(*_):
    time.sleep(4)
    (folder / "saved").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
(folder / "began").touch()
signal.pause()
"""


def test_a_worker_that_takes_seconds_to_save_its_state_is_not_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = tmp_path / "worker"
    worker.write_text(SAVES_SLOWLY.format(python=sys.executable))
    worker.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(worker))
    with Supervisor(tmp_path / "home", print) as supervisor:
        supervisor.start("worker")
        wait_until((tmp_path / "began").exists, bool)
    assert (tmp_path / "saved").exists()
