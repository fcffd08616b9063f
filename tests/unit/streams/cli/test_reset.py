"""A reset deletes what EchoTune made and nothing else, whole folders of it or nothing."""

import shutil
from pathlib import Path

import pytest

from infra.home import STATE_FOLDERS, claim
from streams.cli.servers import down, reset
from topics.errors import ServerError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is set as home; it does not exist yet."""
    monkeypatch.setenv("ECHOTUNE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def files_in(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


def a_folder_of_somebody(folder: Path) -> None:
    for name in STATE_FOLDERS:
        (folder / name / "inner").mkdir(parents=True)
        (folder / name / "inner" / "work.txt").write_text("of years")


def test_a_reset_that_is_stopped_leaves_no_folder_half_deleted_and_the_next_one_ends_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(home)
    for name in ("kafka/data", "snapshots/somebody", "x.deleted"):
        (home / name).mkdir(parents=True)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", stopped)
        with pytest.raises(KeyboardInterrupt):
            reset(yes=True, snapshots=False)
    assert not (home / "kafka").exists()
    assert not (home / "snapshots").exists()
    reset(yes=True, snapshots=False)
    assert [each.name for each in home.iterdir() if each.is_dir()] == ["x.deleted"]


def stopped(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("snapshots", [False, True])
def test_a_home_that_nothing_of_echotune_made_is_not_reset(home: Path, snapshots: bool) -> None:
    a_folder_of_somebody(home)
    before = files_in(home)
    with pytest.raises(ServerError, match="was not made by EchoTune") as refused:
        reset(yes=True, snapshots=snapshots)
    assert str(home) in refused.value.message
    assert files_in(home) == before


def test_the_current_folder_is_not_reset_because_the_home_is_set_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOTUNE_HOME", "")
    monkeypatch.chdir(tmp_path)
    a_folder_of_somebody(tmp_path)
    before = files_in(tmp_path)
    reset(yes=True, snapshots=False)
    assert files_in(tmp_path) == before


@pytest.mark.parametrize(
    "trace", ["servers.json", "processes.json", "snapshots/fast-0-of-1/7.snapshot"]
)
def test_a_home_of_a_version_that_marked_nothing_is_reset(home: Path, trace: str) -> None:
    (home / trace).parent.mkdir(parents=True)
    (home / trace).write_text("{}" if trace == "servers.json" else "[]")
    (home / "kafka").mkdir()
    reset(yes=True, snapshots=False)
    assert not (home / "kafka").exists()


def test_a_home_that_does_not_exist_is_neither_reset_nor_made(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reset(yes=True, snapshots=False)
    down()
    assert not home.exists()
    said = capsys.readouterr().err.replace("\n", " ")
    assert f"there is nothing to delete: {home} does not exist" in said
    assert f"no server was ever started in {home}" in said


def test_down_leaves_nothing_in_a_folder_of_somebody(home: Path) -> None:
    a_folder_of_somebody(home)
    before = files_in(home)
    down()
    assert files_in(home) == before
