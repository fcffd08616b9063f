"""Which model is meant: a name, a class of River's, or a TOML file, told in one word.

`best`, `river:BiasedMF`, `my_model.toml`: what `ECHOTUNE_MODEL` takes, and so do the options of
`echotune evaluate`.
"""

from pathlib import Path
from typing import Any

from online_models.base import Ranker
from online_models.errors import ModelError
from online_models.model_file import read
from online_models.registry import build
from topics.errors import SettingsError

FILE_BYTES_MAX = 65_536
RIVER = "river:"


def config_of(told: str) -> dict[str, Any]:
    """Configuration of the model that `told` names; raises `SettingsError`.

    >>> config_of("river:BiasedMF")
    {'model': 'river', 'ranker': 'BiasedMF'}
    """
    if told.endswith(".toml"):
        return _of_file(Path(told))
    if told.startswith(RIVER):
        return {"model": "river", "ranker": told.removeprefix(RIVER)}
    return {"model": told}


def _of_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES_MAX).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", "Check the path.") from error
    try:
        return read(text, str(path))
    except ModelError as error:
        raise SettingsError(error.message, error.remedy) from error


def built(config: dict[str, Any], said_by: str) -> Ranker:
    """A new model; raises `SettingsError` that names what told it, a setting or an option."""
    try:
        return build(config)
    except ModelError as error:
        raise SettingsError(error.message, f"{error.remedy} Said by {said_by}.") from error
