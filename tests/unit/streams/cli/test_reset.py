"""Who stops a reset in the middle finds all of a folder or nothing of it."""

import shutil
from pathlib import Path

import pytest

from streams.cli.servers import reset


def test_a_reset_that_is_stopped_leaves_no_folder_half_deleted_and_the_next_one_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOTUNE_HOME", str(tmp_path))
    for name in ("kafka/data", "snapshots/somebody", "x.deleted"):
        (tmp_path / name).mkdir(parents=True)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", stopped)
        with pytest.raises(KeyboardInterrupt):
            reset(yes=True, snapshots=False)
    assert not (tmp_path / "kafka").exists()
    assert not (tmp_path / "snapshots").exists()
    reset(yes=True, snapshots=False)
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == ["x.deleted"]


def stopped(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
