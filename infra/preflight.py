"""Says what this machine lacks, in a line each, before `make setup` installs anything.

It runs in any Python 3, without a package: an older one has to be told, too. A virtual environment
that another Python or another folder left behind is removed, so that it is made anew.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

PYTHON_MIN = (3, 11)
JAVA_MIN = 17
_EXIT_ERROR = 3
_OS_RELEASE = "/etc/os-release"
_INSTALL = {
    "debian": "apt-get install",
    "fedora": "dnf install",
    "arch": "pacman -S",
    "suse": "zypper install",
    "darwin": "brew install",
}
_PACKAGES: dict[str, dict[str, str]] = {
    "java": {
        "debian": "default-jre-headless",
        "fedora": "java-latest-openjdk-headless",
        "arch": "jre-openjdk-headless",
        "suse": "java-21-openjdk-headless",
        "darwin": "openjdk",
    },
    "maven": {},
    "venv": {"debian": "python3-venv"},
    "compiler": {"debian": "build-essential", "arch": "base-devel"},
}
_OLD_JAVA_BY_DEFAULT = {"debian": 12, "ubuntu": 24}
"""First release of a system whose default Java is new enough."""


class Problem(NamedTuple):
    """What is missing, and how to get it."""

    message: str
    remedy: str


def main(arguments: list[str]) -> int:
    """Prints what is missing and returns the exit code. Arguments: VENV LIBS [--chosen]."""
    venv, libs, *chosen = arguments
    makes_venv = bool(chosen) or not is_usable(venv)
    problems = [
        *(python_problems(sys.version_info[:2]) if makes_venv else []),
        *java_problems(),
        *maven_problems(libs),
    ]
    if makes_venv and not problems:
        remove_stale(venv)
    for each in problems:
        print(f"echotune: {each.message} {each.remedy}", file=sys.stderr)
    return _EXIT_ERROR if problems else 0


# -- what is missing ---------------------------------------------------------------------------


def python_problems(version: tuple[int, int]) -> list[Problem]:
    """What is wrong with the Python that runs this, and has this version."""
    if version < PYTHON_MIN:
        name = ".".join(map(str, version))
        what = f"Python {name} is too old: EchoTune needs 3.11 or newer."
        return [Problem(what, "Name one that is: make setup PYTHON=python3.12.")]
    try:
        import ensurepip  # noqa: F401, PLC0415
    except ImportError:
        return [Problem("Python has no ensurepip, which venv needs.", remedy("venv"))]
    is_arm = sys.platform == "linux" and platform.machine() in ("aarch64", "arm64")
    if is_arm and not shutil.which("cc"):
        return [Problem("There is no C compiler, which Faust needs here.", remedy("compiler"))]
    return []


def java_problems() -> list[Problem]:
    """What is wrong with the Java on the PATH."""
    found = shutil.which("java")
    if found is None:
        return [Problem(f"Java is missing; Kafka needs {JAVA_MIN} or newer.", remedy("java"))]
    said = _everything_that_it_says([found, "-version"])
    version = java_version(said)
    if version is None:
        return [_silent_java(found, said)]
    if version < JAVA_MIN:
        what = f"{found} is Java {version}; Kafka needs {JAVA_MIN} or newer."
        return [Problem(what, remedy("java"))]
    return []


def _everything_that_it_says(command: list[str]) -> str:
    """Java writes its version to stderr, but to stdout why it does not start."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="replace")


def _silent_java(found: str, said: str) -> Problem:
    """A Java that does not say its version, by the last line that it says instead."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return Problem(f"{found} does not say its version.", remedy("java"))
    return Problem(
        f"{found} does not say its version, but: {lines[-1]}.",
        "It may lack memory (ulimit -v, a container's limit). " + remedy("java"),
    )


def java_version(text: str) -> int | None:
    """The major version in what `java -version` prints; None if there is none.

    >>> java_version('openjdk version "17.0.2" 2022-01-18'), java_version('version "1.8.0_392"')
    (17, 8)
    """
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None


def maven_problems(libs: str) -> list[Problem]:
    """What is missing to download Kafka's jars, if they are not there yet."""
    if os.path.isdir(libs) or shutil.which("mvn"):
        return []
    return [Problem("Maven (mvn) is missing, which downloads Kafka.", remedy("maven"))]


# -- what to install ---------------------------------------------------------------------------


def remedy(what: str, release: dict[str, str] | None = None) -> str:
    """How `what` is installed on this system, by the name that its package has here.

    >>> remedy("java", {"ID": "debian", "VERSION_ID": "13"})
    'Install it: apt-get install default-jre-headless.'
    >>> remedy("java", {"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_ID": "22.04"})
    'Install it: apt-get install openjdk-17-jre-headless.'
    """
    fields = os_release() if release is None else release
    systems = map(_family, [fields.get("ID", ""), *fields.get("ID_LIKE", "").split()])
    family = next((each for each in systems if each in _INSTALL), None)
    if family is None:
        return "Install it by your system's package manager."
    package = _PACKAGES[what].get(family, {"compiler": "gcc", "venv": "python3"}.get(what, what))
    if what == "java" and _has_old_java(fields):
        package = "openjdk-17-jre-headless"
    return f"Install it: {_INSTALL[family]} {package}."


def _family(system: str) -> str:
    is_suse = "suse" in system or system == "sles"
    return "suse" if is_suse else {"ubuntu": "debian", "rhel": "fedora"}.get(system, system)


def _has_old_java(fields: dict[str, str]) -> bool:
    first = _OLD_JAVA_BY_DEFAULT.get(fields.get("ID", ""))
    version = re.match(r"\d+", fields.get("VERSION_ID", ""))
    return first is not None and version is not None and int(version.group()) < first


def os_release() -> dict[str, str]:
    """The fields of /etc/os-release; macOS has none."""
    if sys.platform == "darwin":
        return {"ID": "darwin"}
    try:
        with open(_OS_RELEASE, encoding="utf-8") as file:
            pairs = [line.strip().partition("=") for line in file if "=" in line]
    except OSError:
        return {}
    return {name: value.strip("\"'") for name, _, value in pairs}


# -- the virtual environment -------------------------------------------------------------------


def is_usable(venv: str) -> bool:
    """Whether a finished virtual environment of this place and a new enough Python is there."""
    is_finished = os.path.exists(os.path.join(venv, ".installed"))
    return is_finished and _is_of_this_place(venv) and _version_of(venv) >= PYTHON_MIN


def remove_stale(venv: str) -> None:
    """Removes a virtual environment of another Python or another place; a link stays."""
    is_ours = os.path.exists(os.path.join(venv, "pyvenv.cfg")) and not os.path.islink(venv)
    if is_ours and not (_is_of_this_place(venv) and _version_of(venv) == sys.version_info[:2]):
        print(f"echotune: {venv} is of another Python or folder: it is made anew")
        shutil.rmtree(venv)


def _is_of_this_place(venv: str) -> bool:
    """Whether its programs still find their Python; a link may point anywhere."""
    command = _configuration(venv).get("command", "")
    place = os.path.abspath(venv)
    is_here = os.path.islink(venv) or not command or command.endswith(" " + place)
    return is_here and os.access(os.path.join(venv, "bin", "python"), os.X_OK)


def _version_of(venv: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", _configuration(venv).get("version", ""))
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def _configuration(venv: str) -> dict[str, str]:
    try:
        with open(os.path.join(venv, "pyvenv.cfg"), encoding="utf-8") as file:
            pairs = [line.partition("=") for line in file]
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in pairs}


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
