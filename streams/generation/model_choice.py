"""Parses the choice of a model: a name, a class of River's, or a TOML file.

Examples are `best`, `river:BiasedMF` and `my_model.toml`. `ECHOTUNE_MODEL` and the options of
`echotune evaluate` have this form.
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


def config_of(name_or_path: str) -> dict[str, Any]:
    """Configuration of the model of that name or file; raises `SettingsError`.

    >>> config_of("river:BiasedMF")
    {'model': 'river', 'ranker': 'BiasedMF'}
    """
    if name_or_path.endswith(".toml"):
        return _config_of_file(Path(name_or_path))
    if name_or_path.startswith(RIVER):
        return {"model": "river", "ranker": name_or_path.removeprefix(RIVER)}
    return {"model": name_or_path}


def _config_of_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES_MAX).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", "Check the path.") from error
    try:
        return read(text, str(path))
    except ModelError as error:
        raise SettingsError(error.message, error.remedy) from error


def built(config: dict[str, Any], named_by: str) -> Ranker:
    """A new model; raises `SettingsError` with the setting or option (`named_by`) that chose it."""
    try:
        return build(config)
    except ModelError as error:
        raise SettingsError(error.message, f"{error.remedy} Set by {named_by}.") from error
