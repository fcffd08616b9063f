"""`generations wait`: until a generation has caught up with the log."""

import asyncio
from typing import Annotated

import typer

from streams.cli import EXIT_NO, console
from streams.cli.generations.opened_journal import open_journal, unknown
from streams.cli.generations.options import Name
from streams.cli.options import Json
from streams.cli.progress_bar import progress


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("wait", epilog="Example: echotune generations wait second --lag 1s")(wait_command)


def wait_command(
    name: Name,
    lag: Annotated[str, typer.Option(help="How old the oldest unlearnt record may be.")] = "1s",
    within: Annotated[str | None, typer.Option(help="Give up after this time.")] = None,
    json: Json = False,
) -> None:
    """Waits until a generation has caught up with the log and may serve; exit code 1 if never."""
    from streams.lifecycle.catching_up import seconds_of, wait_until_caught_up

    lag_s, within_s = seconds_of(lag), None if within is None else seconds_of(within)
    with open_journal() as (settings, addresses, journal), progress(f"{name} catches up") as show:
        generation = journal.read().generations.get(name)
        if generation is None:
            raise unknown(name)
        found = asyncio.run(
            wait_until_caught_up(
                settings, addresses, name, generation.shards, (lag_s, within_s), show
            )
        )
    if json:
        console.print_json(found)
    elif found["caught_up"]:
        console.say(f"{name} has caught up")
    else:
        console.failure(
            f"{name} has not caught up: {'; '.join(found['waits_for'])}.",
            "See `echotune generations list`, and the log of its recommender.",
        )
    raise typer.Exit(0 if found["caught_up"] else EXIT_NO)
