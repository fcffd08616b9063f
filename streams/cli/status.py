"""`echotune status`: prints the status of the whole system."""

import asyncio
from typing import Any

import typer

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json
from streams.monitoring.status import system_status
from streams.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune status --json")(status)


def status(json: Json = False) -> None:
    """Prints the status: addresses, events in the model, lists, lag, freshness, digest."""
    settings = Settings()
    found = asyncio.run(system_status(settings, addresses_of(settings)))
    if json:
        console.print_json(found)
    else:
        for name, value in _flat(found):
            console.out.print(f"{name:36} {value}", markup=False, soft_wrap=True)


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """Names and values of all leaves of a JSON document."""
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    else:
        return [(name, value)]
    return [leaf for key, each in parts for leaf in _flat(each, f"{name}.{key}" if name else key)]
