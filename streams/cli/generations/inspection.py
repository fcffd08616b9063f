"""`generations list|show|history|wait|manifest`: what is, what was, and what a cluster needs."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from streams.cli import EXIT_NO, console
from streams.cli.generations.journal import open_journal, unknown
from streams.cli.generations.options import Name
from streams.cli.options import Json
from streams.cli.progress_bar import progress
from topics.errors import SettingsError


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("list", epilog="Example: echotune generations list --json")(list_command)
    app.command("show", epilog="Example: echotune generations show second")(show_command)
    app.command("history", epilog="Example: echotune generations history --json")(history_command)
    app.command("wait", epilog="Example: echotune generations wait second --lag 1s")(wait_command)
    app.command(
        "manifest",
        epilog="Example: echotune generations manifest second --image registry/echotune@sha256:...",
    )(manifest_command)


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


def manifest_command(
    name: Name,
    image: Annotated[str, typer.Option(help="The container image, best by its digest.")],
    memory: Annotated[str, typer.Option(help="Memory of one recommender.")] = "2Gi",
    storage: Annotated[str, typer.Option(help="Disk of one recommender, for snapshots.")] = "10Gi",
) -> None:
    """Prints the Kubernetes objects of a generation: a StatefulSet with a pod for each shard.

    Pipe it to `kubectl apply -f -`. Addresses of servers with passwords belong into the Secret
    `echotune`, whose keys are further ECHOTUNE_* variables.
    """
    from infra.kubernetes import NAME_MAX, Needs, as_yaml, objects_of

    if len(name) > NAME_MAX:
        raise SettingsError(
            f"Kubernetes takes no generation whose name has more than {NAME_MAX} characters.",
            "Create one like it under a shorter name: echotune generations create ... --like",
        )
    with open_journal() as (settings, _, journal):
        generation = journal.read().generations.get(name)
    if generation is None:
        raise unknown(name)
    if not settings.kafka:
        console.say("ECHOTUNE_KAFKA is not set here: put it into the Secret `echotune`")
    shown = {"ECHOTUNE_KAFKA": settings.kafka, "ECHOTUNE_PREFIX": settings.prefix}
    environment = {key: value for key, value in shown.items() if value}
    needs = Needs(image, generation.shards, memory, storage)
    print(as_yaml(objects_of(name, needs, environment)))


def _ms_of(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"{text!r} is no time.", "Write 2026-01-31, or 2026-01-31T12:00:00Z."
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000
