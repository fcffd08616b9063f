"""Whether this machine, or container, has the memory for one more generation."""

import asyncio
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from streams.addresses import Addresses
from streams.cli import EXIT_NO, console
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.lifecycle.lifecycle import Lifecycle

InLittleMemory = Annotated[
    bool, typer.Option("--force", help="Start it, although there may be too little memory.")
]


def check_room(
    settings: Settings, addresses: Addresses, lifecycle: "Lifecycle", wanted: Settings | None
) -> None:
    """Refuses to start a generation where the machine could run out of memory; exit code 1.

    `wanted` are the settings of the generation, if they are known.
    """
    from infra.memory import memory_here
    from streams.generation.model_choice import built, config_of
    from streams.lifecycle.overview import every_status
    from streams.lifecycle.starting import why_no_room

    statuses = asyncio.run(every_status(settings, addresses, lifecycle))
    model = None if wanted is None else built(config_of(wanted.model), "ECHOTUNE_MODEL")
    tables_bytes = 0 if model is None else model.fixed_bytes
    if why := why_no_room(statuses, socket.gethostname(), memory_here().free, tables_bytes):
        console.failure(
            f"There may be too little memory for one more generation: {why}.",
            "Stop or retire another one; --force starts it anyway.",
        )
        raise typer.Exit(EXIT_NO)


def settings_of(lifecycle: "Lifecycle", name: str) -> Settings | None:
    """The settings of a generation's record; None if there is no such generation."""
    from streams.lifecycle.generation_record import settings_from

    if name not in lifecycle.generations:
        return None
    return settings_from(lifecycle, Settings(generation=name), prefers="record")
