"""Files of the home folder, which holds everything that is kept on this machine.

A home is marked by a file, because `echotune reset` deletes folders by their names: in a folder
that something else made, folders of these names are not EchoTune's.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from topics.errors import ServerError

STATE_FOLDERS = ("kafka", "redis", "mongo", "snapshots", "imports", "simulator")
"""Folders of a home that hold its data."""
_MARK = ".echotune-home"
_MARK_TEXT = "This folder is a home of EchoTune: `echotune reset` deletes the data in it.\n"
_TRACES = ("servers.json", "processes.json", "snapshots/*/*.snapshot", "imports/sent-to-*")
"""What a version left behind that did not mark its home."""


def stored_json(file: Path) -> Any:
    """The JSON document in a file; None if it is missing, or damaged by a power failure."""
    try:
        return json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


@contextmanager
def writing_in(home: Path) -> Iterator[Path]:
    """Creates `home` if needed; an `OSError` inside the context becomes a `ServerError`."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        yield home
    except OSError as error:
        raise ServerError(
            f"The home folder {home} cannot be written: {error.strerror}.",
            "Set ECHOTUNE_HOME to a writable folder, or free disk space.",
        ) from error


def is_claimed(home: Path) -> bool:
    """Whether EchoTune has marked `home`, or a version that marked nothing has used it."""
    return (home / _MARK).is_file() or any(any(home.glob(trace)) for trace in _TRACES)


def claim(home: Path) -> None:
    """Marks `home`, which is created if needed; raises `ServerError` if it holds data of others."""
    with writing_in(home):
        if strange := _strange_folders(home):
            raise ServerError(
                f"The home folder {home} was not made by EchoTune, and holds {', '.join(strange)}.",
                "Set ECHOTUNE_HOME to a folder of its own.",
            )
        _mark(home)


def claim_if_possible(home: Path) -> None:
    """Marks `home`, unless it holds data of others or cannot be written: that is no error here."""
    with suppress(OSError):
        if not _strange_folders(home):
            home.mkdir(parents=True, exist_ok=True)
            _mark(home)


def _strange_folders(home: Path) -> list[str]:
    """State folders in a home that is not EchoTune's: something else made them."""
    if is_claimed(home):
        return []
    return [each for each in STATE_FOLDERS if _holds_something(home / each)]


def _holds_something(path: Path) -> bool:
    """Whether it is there and holds anything: an empty volume is nobody's data."""
    if not path.is_dir():
        return path.exists()
    return any(each.name != "lost+found" for each in path.iterdir())


def _mark(home: Path) -> None:
    if not (home / _MARK).exists():
        (home / _MARK).write_text(_MARK_TEXT)
