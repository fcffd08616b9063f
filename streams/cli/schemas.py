"""`echotune schemas apply|check`: compares a schema registry with the contracts."""

from typing import Annotated

import typer

from streams.cli import EXIT_NO, console
from streams.cli.options import Json
from streams.registry.contracts import (
    LEVEL,
    REGISTERED_TOPICS,
    SubjectDifference,
    apply,
    compare,
    registered_id,
    registry_of,
    subject_of,
)
from streams.registry.schema_registry import SchemaRegistry
from streams.settings import Settings
from topics.errors import SettingsError

schemas_app = typer.Typer(
    help="Registers the contracts in a schema registry.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(schemas_app, name="schemas")


@schemas_app.command("apply", epilog="Example: echotune schemas apply --check")
def apply_command(
    check: Annotated[bool, typer.Option("--check", help="Only print what would change.")] = False,
    json: Json = False,
) -> None:
    """Registers the contracts of producers and consumers, compatible with all their versions.

    Idempotent. Exit code 3 if a contract is incompatible with a registered schema.
    """
    registry = _registry()
    if check:
        _print_and_exit(registry, json=json)
    _print(registry, apply(registry), f"registered, {LEVEL}", json=json)


@schemas_app.command("check", epilog="Example: echotune schemas check --json")
def check_command(json: Json = False) -> None:
    """Prints how the registry differs from the contracts; exit code 1 if it does."""
    _print_and_exit(_registry(), json=json)


def _registry() -> SchemaRegistry:
    registry = registry_of(Settings())
    if registry is None:
        raise SettingsError(
            "No schema registry is set.",
            "Set ECHOTUNE_SCHEMA_REGISTRY. Without one, only the fixed ids of avro/ are used.",
        )
    return registry


def _print_and_exit(registry: SchemaRegistry, *, json: bool) -> None:
    found = compare(registry)
    _print(registry, found, "no difference", json=json)
    raise typer.Exit(EXIT_NO if found else 0)


def _print(
    registry: SchemaRegistry, found: list[SubjectDifference], otherwise: str, *, json: bool
) -> None:
    lines = [line for each in found for line in each.lines()]
    ids = {subject_of(topic): registered_id(registry, topic) for topic in REGISTERED_TOPICS}
    if json:
        console.print_json({"differences": lines, "ids": ids})
        return
    console.out.print("\n".join(lines) or otherwise, markup=False, soft_wrap=True)
    for subject, schema_id in ids.items():
        console.say(f"{subject}: {'not registered' if schema_id is None else f'id {schema_id}'}")
