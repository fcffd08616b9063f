"""The record of a generation: made from settings, and settings made of it."""

from dataclasses import asdict
from typing import Any, Literal

import orjson
import xxhash

from online_models.errors import ModelError
from online_models.model_file import completed
from streams.folding.fold_state import FOLD_VERSION
from streams.generation.fold_factory import configuration_of, part_of_log
from streams.generation.model_choice import config_of
from streams.kafka.log_reader import LogReader
from streams.lifecycle.lifecycle import Lifecycle
from streams.lists.list_shape import shape_of
from streams.settings import Settings
from topics.errors import SettingsError
from topics.lifecycle import GenerationCreated

SETTINGS_OF_A_GENERATION = (
    *("model", "duplicate_window"),
    *("list_length", "artist_max", "new_share_min", "list_ttl_s"),
    *("learn_from", "learn_until"),
)
"""Fields of `Settings` that the record of a generation decides."""


def log_id_of(kafka: str) -> str:
    """The hash of the log's first record, which identifies the log; empty if it was deleted."""
    with LogReader(kafka) as log:
        return log.hash_at(0) or ""


def settings_of(settings: Settings) -> dict[str, Any]:
    """The settings of a generation that change the bytes of a state or of a list."""
    return {
        "model": _whole(config_of(settings.model)),
        "duplicate_window": settings.duplicate_window,
        "lists": asdict(shape_of(settings)),
        "list_ttl_s": settings.list_ttl_s,
        **part_of_log(settings),
    }


def _whole(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a model with every default spelled out."""
    try:
        return completed(config)
    except ModelError as error:
        raise SettingsError(error.message, f"{error.remedy} Set by ECHOTUNE_MODEL.") from error


def fold_id_of(settings: Settings, log_id: str) -> str:
    """Hash of everything that a state depends on, with the log: equal ids, equal states."""
    return xxhash.xxh3_64_hexdigest(
        orjson.dumps([FOLD_VERSION, configuration_of(settings), log_id])
    )


def created(
    name: str, settings: Settings, log_id: str, *, like: str | None = None, **said: Any
) -> GenerationCreated:
    """The record of a new generation; `said` are the fields of `operation`."""
    return GenerationCreated(
        name=name,
        like=like,
        log_id=log_id,
        settings=orjson.dumps(settings_of(settings), option=orjson.OPT_SORT_KEYS).decode(),
        fold_version=FOLD_VERSION,
        fold_id=fold_id_of(settings, log_id),
        shards=settings.shards,
        **said,
    )


def settings_from(
    lifecycle: Lifecycle,
    settings: Settings,
    *,
    prefers: Literal["neither", "record", "settings"] = "neither",
) -> Settings:
    """`settings` with those of the generation's record, which never change.

    Raises `SettingsError` if there is no such generation, or if a setting that was set differs and
    `prefers` is "neither". With "settings", what was set stays, and the generation may be unknown.
    """
    name, known = settings.generation, lifecycle.generations.get(settings.generation)
    if known is None and prefers == "settings":
        return settings
    if known is None:
        raise SettingsError(
            f"There is no generation {name}.",
            f"Create it: echotune generations create {name} --start --why ...",
        )
    recorded = _fields_of(orjson.loads(known.created.settings))
    wanted = _fields_of(orjson.loads(orjson.dumps(settings_of(settings))))
    chosen = settings.model_fields_set & wanted.keys()
    differ = [each for each in chosen if wanted[each] != recorded[each]]
    if prefers == "settings":
        recorded = {key: value for key, value in recorded.items() if key not in chosen}
    elif differ and prefers == "neither":
        variables = ", ".join(f"ECHOTUNE_{each.upper()}" for each in sorted(differ))
        raise SettingsError(
            f"Generation {name} was created with another value of {variables}, and never changes.",
            "Unset it, or create a generation that has it: echotune generations create NAME ...",
        )
    if "model" in recorded:
        recorded["model"] = orjson.dumps(recorded["model"]).decode()
    if not {"shard", "shards"} & settings.model_fields_set:
        recorded["shards"] = known.shards
    return settings.model_copy(update=recorded)


def _fields_of(recorded: dict[str, Any]) -> dict[str, Any]:
    """Field of `Settings` → value, of the settings in a record."""
    lists = recorded["lists"]
    values = (
        *(recorded["model"], recorded["duplicate_window"]),
        *(lists["k"], lists["artist_max"], lists["new_share_min"], recorded["list_ttl_s"]),
        *(recorded.get("learn_from", 0), recorded.get("learn_until")),
    )
    return dict(zip(SETTINGS_OF_A_GENERATION, values, strict=True))
