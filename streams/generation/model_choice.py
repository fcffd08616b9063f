"""Parses the choice of a model: a name, a class of River's, a TOML file, or a JSON object.

Examples are `best`, `river:BiasedMF`, `my_model.toml` and `{"model": "best", "grams": 0}`.
`ECHOTUNE_MODEL` and the options of `echotune evaluate` have this form.
"""

from pathlib import Path
from typing import Any

import orjson

from infra.memory import memory_here
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
    if name_or_path.startswith("{"):
        return _config_in_json(name_or_path)
    if name_or_path.endswith(".toml"):
        return _config_of_file(Path(name_or_path))
    if name_or_path.startswith(RIVER):
        return {"model": "river", "ranker": name_or_path.removeprefix(RIVER)}
    return {"model": name_or_path}


def _config_in_json(text: str) -> dict[str, Any]:
    try:
        config = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SettingsError(
            f"{text[:80]} is no JSON object: {error}.", "Name a model, or a TOML file."
        ) from error
    return dict(config)


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


def built_here(config: dict[str, Any], named_by: str) -> Ranker:
    """Like `built`, for a process that learns: the model's tables fill up, and have to fit."""
    model, limit = built(config, named_by), memory_here().limit
    if model.fixed_bytes > limit:
        raise SettingsError(
            f"The tables of this model take {_mib(model.fixed_bytes)}, and this machine, or "
            f"container, has {_mib(limit)}.",
            f"Make them smaller (parameter `grams`), or give it more memory. Set by {named_by}.",
        )
    return model


def _mib(number: int) -> str:
    return f"{number / 2**20:,.0f} MiB"
