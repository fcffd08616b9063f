"""What a machine lacks is said in a line before anything is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra import preflight

ROOT = Path(__file__).parents[3]


def a_program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


def a_venv(folder: Path, *, version: str = "", made_in: Path | None = None) -> Path:
    here = ".".join(map(str, sys.version_info[:3]))
    a_program(folder / "bin", "python", "exit 0")
    command = f"/usr/bin/python3 -m venv {made_in or folder}"
    (folder / "pyvenv.cfg").write_text(f"version = {version or here}\ncommand = {command}\n")
    (folder / ".installed").touch()
    return folder


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs."""
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setattr(preflight, "os_release", lambda: {"ID": "debian", "VERSION_ID": "13"})
    return tmp_path / "programs"


def test_missing_programs_are_named_with_the_command_that_installs_them(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preflight.main([str(tmp_path / "venv"), str(tmp_path / "libs")]) == 3
    said = capsys.readouterr().err.splitlines()
    assert [line.rpartition("Install it: ")[2] for line in said] == [
        "apt-get install default-jre-headless.",
        "apt-get install maven.",
    ]


def test_an_older_java_is_named_with_its_version(path: Path) -> None:
    a_program(path, "java", """echo 'openjdk version "11.0.20" 2023-07-18' >&2""")
    (problem,) = preflight.java_problems()
    assert "is Java 11; Kafka needs 17 or newer" in problem.message


def test_a_java_that_does_not_start_is_quoted_and_memory_named(path: Path) -> None:
    text = "echo Error occurred; echo 'Could not allocate class space'; echo; exit 1"
    a_program(path, "java", text)
    (problem,) = preflight.java_problems()
    assert problem.message.endswith(
        "does not say its version, but: Could not allocate class space."
    )
    assert problem.remedy.startswith("It may lack memory")


def test_a_java_that_says_nothing_is_to_be_installed(path: Path) -> None:
    a_program(path, "java", "exit 1")
    (problem,) = preflight.java_problems()
    assert problem.message == f"{path / 'java'} does not say its version."


def test_maven_is_not_needed_once_the_jars_are_there(path: Path, tmp_path: Path) -> None:
    assert preflight.maven_problems(str(tmp_path)) == []


def test_an_older_python_is_told_what_is_needed() -> None:
    (problem,) = preflight.python_problems((3, 10))
    assert problem.message == "Python 3.10 is too old: EchoTune needs 3.11 or newer."


@pytest.mark.parametrize(
    "changes", [{"version": "3.10.1"}, {"made_in": Path("/somewhere else/.venv")}]
)
def test_a_venv_of_another_python_or_place_is_removed(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    venv = a_venv(tmp_path / "a ü" / ".venv", **changes)  # type: ignore[arg-type]
    assert not preflight.is_usable(str(venv))
    preflight.remove_stale(str(venv))
    assert not venv.exists()


def test_a_venv_whose_python_is_gone_is_removed(tmp_path: Path) -> None:
    venv = a_venv(tmp_path / ".venv")
    (venv / "bin" / "python").unlink()
    preflight.remove_stale(str(venv))
    assert not venv.exists()


def test_a_venv_of_this_python_and_place_stays(tmp_path: Path) -> None:
    venv = a_venv(tmp_path / "a ü" / ".venv")
    preflight.remove_stale(str(venv))
    assert preflight.is_usable(str(venv))


def test_neither_a_linked_venv_nor_a_folder_that_is_none_is_removed(tmp_path: Path) -> None:
    linked, other = tmp_path / "linked", tmp_path / "other"
    linked.symlink_to(a_venv(tmp_path / "shared", version="3.10.1"))
    other.mkdir()
    preflight.remove_stale(str(linked))
    preflight.remove_stale(str(other))
    assert linked.exists()
    assert other.exists()


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ("my history.zip", ["my history.zip"]),
        ("it's mine.zip", ["it's mine.zip"]),
        ("a.zip b.zip", ["a.zip", "b.zip"]),
        ("", []),
    ],
)
def test_make_run_takes_a_history_whose_path_has_spaces(
    tmp_path: Path, given: str, arguments: list[str]
) -> None:
    a_program(tmp_path / "bin", "echotune", 'for each in "$@"; do echo "$each"; done')
    for name in ("my history.zip", "it's mine.zip"):
        (tmp_path / name).touch()
    run = ["make", "-s", "-f", str(ROOT / "Makefile"), "-o", "setup", "run", "BIN=bin"]
    done = subprocess.run(
        [*run, f"HISTORY={given}", "LISTENER=me too"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    said = [line for line in done.stdout.splitlines() if line]
    assert said == ["run", *arguments, "--listener", "me too"]
