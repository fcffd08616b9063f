"""The home folder: where everything that is kept on this machine lies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from topics.errors import ServerError


def remembered(file: Path) -> Any:
    """The JSON document that a file of the home holds; None where a power cut left none."""
    try:
        return json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


@contextmanager
def writing_in(home: Path) -> Iterator[Path]:
    """Makes `home` if need be; raises `ServerError` where it cannot be written meanwhile."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        yield home
    except OSError as error:
        raise ServerError(
            f"The home folder {home} cannot be written: {error.strerror}.",
            "Set ECHOTUNE_HOME to a folder of yours, or make room in it.",
        ) from error
