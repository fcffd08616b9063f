"""Files of the home folder, which holds everything that is kept on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from topics.errors import ServerError


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
