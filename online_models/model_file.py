"""A model's configuration as a TOML table: read, checked, written.

`model` names a model of the registry; every field of `BlendConfig` may be set beside it, and
overrides that model's value. `written(completed({"model": "fast"}))` writes a preset in full.

    model = "best"
    without = ["artists"]
    blend_every = 2
    start = {t1 = 0.8}        # initial weights of features, see features.py

For a model of River: `model = "river"`, `ranker = "BiasedMF"`, and `params` for its parameters.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from online_models.blend.blend_config import BlendConfig
from online_models.blend.blend_ranker import BlendRanker
from online_models.blend.candidates import features
from online_models.errors import ModelError
from online_models.registry import MODELS, build


def _feature_names() -> dict[str, int]:
    """Names and rows of the features: the constants of `features.py` above `FEATURES`."""
    names = list(vars(features))
    before = names[: names.index("FEATURES")]
    constants = {name: vars(features)[name] for name in before if name.isupper()}
    return {name.lower(): at for name, at in constants.items() if isinstance(at, int)}


FEATURE_NAMES = _feature_names()

_types = get_type_hints(BlendConfig) | {"start": dict[str, float]}
_fields: dict[str, Any] = {
    "model": (str, Field(description="A name of the registry.")),
    "ranker": (str, Field("", description="With model = 'river': a name of river.reco.")),
    "params": (dict[str, Any], Field({}, description="With model = 'river': its parameters.")),
    **{each.name: (_types[each.name], Field(None)) for each in fields(BlendConfig)},
}
ModelTable: type[BaseModel] = create_model(
    "ModelTable",
    __config__=ConfigDict(extra="forbid", strict=True, allow_inf_nan=False),
    **_fields,
)
"""The permitted keys of the table, and their types."""


def read(text: str, name: str) -> dict[str, Any]:
    """The configuration that `text` holds, for `registry.build`; errors contain `name`.

    >>> read('model = "best"\\nwithout = ["own"]', "mine.toml")
    {'model': 'best', 'without': ['own']}
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{name} is no TOML: {error}.", "See https://toml.io.") from error
    try:
        model_table = ModelTable.model_validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        raise ModelError(f"{name}: {_first_of(error)}.", _remedy()) from error
    config = model_table.model_dump(exclude_unset=True, mode="json")
    if "start" in config:
        config["start"] = _by_row(config["start"], name)
    _check(config, name)
    return config


def _check(config: Mapping[str, Any], name: str) -> None:
    """Builds the model, which checks bounds and which parameters it has."""
    try:
        build(config)
    except ModelError as error:
        raise ModelError(f"{name}: {error.message}", error.remedy) from error


def _first_of(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = min(found, key=lambda each: each["type"] != "extra_forbidden")
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"there is nothing called {where!r}"
    return f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def _remedy() -> str:
    return f"There may be: {', '.join(ModelTable.model_fields)}. Models: {', '.join(MODELS)}."


def _by_row(start: Mapping[str, float], name: str) -> list[list[float]]:
    unknown = [feature for feature in start if feature not in FEATURE_NAMES]
    if unknown:
        raise ModelError(
            f"{name}: there is no feature {unknown[0]!r}.", f"Features: {', '.join(FEATURE_NAMES)}."
        )
    return [[FEATURE_NAMES[feature], weight] for feature, weight in start.items()]


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """`config` with all defaults filled in, in the form that `read` returns."""
    model = build(config)
    if not isinstance(model, BlendRanker):
        return dict(config)
    whole = json.loads(json.dumps(asdict(model.config)))
    return {"model": config["model"], **whole}


def written(config: Mapping[str, Any]) -> str:
    """`config` as TOML; `read` returns it again.

    >>> print(written({"model": "best", "start": [[0, 0.6]]}))
    model = "best"
    start = {t1 = 0.6}
    <BLANKLINE>
    """
    return "".join(f"{name} = {_toml(name, value)}\n" for name, value in config.items())


def _toml(name: str, value: Any) -> str:
    if name == "start":
        names = {at: feature for feature, at in FEATURE_NAMES.items()}
        value = {names[int(at)]: weight for at, weight in value}
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml('', each)}" for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
