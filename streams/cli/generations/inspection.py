"""`generations list|show|history`: what is, and what was."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from streams.cli import console
from streams.cli.generations.opened_journal import open_journal, unknown
from streams.cli.generations.options import Name
from streams.cli.options import Json
from topics.errors import SettingsError


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("list", epilog="Example: echotune generations list --json")(list_command)
    app.command("show", epilog="Example: echotune generations show second")(show_command)
    app.command("history", epilog="Example: echotune generations history --json")(history_command)


def list_command(
    shows_all: Annotated[bool, typer.Option("--all", help="Also those that are retired.")] = False,
    json: Json = False,
) -> None:
    """Lists generations, with their roles and what is known of their recommenders.

    --json has all of them, in order of creation.
    """
    from streams.cli.generations.view import generations_table, notes_of
    from streams.lifecycle.overview import overview

    with open_journal() as (settings, addresses, journal):
        found = asyncio.run(overview(settings, addresses, journal.read()))
    if json:
        console.print_json(found)
    else:
        now_ms = time.time_ns() // 1_000_000
        if found:
            width = console.out.width
            console.out.print(generations_table(found, width, now_ms, shows_retired=shows_all))
        for line in notes_of(found, shows_retired=shows_all):
            console.out.print(line, style="dim", markup=False, soft_wrap=True)


def show_command(name: Name, json: Json = False) -> None:
    """Shows one generation with its settings."""
    from streams.lifecycle.overview import overview

    with open_journal() as (settings, addresses, journal):
        found = asyncio.run(overview(settings, addresses, journal.read()))
    chosen = next((each for each in found if each["name"] == name), None)
    if chosen is None:
        raise unknown(name)
    console.print_json(chosen)


def history_command(
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what was written until then.")
    ] = None,
    json: Json = False,
) -> None:
    """Lists every record of the journal, who wrote it and why, and whether it was void."""
    from streams.cli.generations.view import entry_as_json

    with open_journal() as (_, _, journal):
        history = journal.read().history
    until_ms = None if at is None else _ms_of(at)
    entries = [
        entry_as_json(each) for each in history if until_ms is None or each.at_ms <= until_ms
    ]
    if json:
        console.print_json(entries)
        return
    for each in entries:
        void = f"  VOID: {each['void']}" if each["void"] else ""
        console.out.print(
            f"{each['offset']:6} {each['at']} {each['says']}  ({each['who']}: {each['why']}){void}",
            markup=False,
            soft_wrap=True,
        )


def _ms_of(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"{text!r} is no time.", "Write 2026-01-31, or 2026-01-31T12:00:00Z."
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000
