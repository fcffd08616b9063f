"""`generations create|start|stop|scale|retire`: which generations there are, and which ones run."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.addresses import Addresses
from streams.cli import console
from streams.cli.generations.free_memory import InLittleMemory, check_room, settings_of
from streams.cli.generations.opened_journal import append, check_valid, open_journal, unknown
from streams.cli.generations.options import Name, Why
from streams.cli.options import Json
from streams.cli.progress_bar import Show, progress
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.lifecycle.journal import Journal


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(
        "create",
        epilog="Example: echotune generations create second --model fast --start --why 'try it'",
    )(create_command)
    app.command("start", epilog="Example: echotune generations start second --why 'back'")(
        start_command
    )
    app.command("stop", epilog="Example: echotune generations stop second --why 'enough'")(
        stop_command
    )
    app.command(
        "scale",
        epilog="Example: echotune generations scale second --shards 2 --why 'more listeners'",
    )(scale_command)
    app.command(
        "retire", epilog="Example: echotune generations retire first --why 'second is better'"
    )(retire_command)


def create_command(
    name: Name,
    why: Why,
    model: Annotated[
        str | None, typer.Option(help="A name of `echotune models`, river:CLASS, or a TOML file.")
    ] = None,
    like: Annotated[str | None, typer.Option(help="Take the settings of this one.")] = None,
    list_length: Annotated[
        int | None, typer.Option(min=1, max=200, help="Tracks in a published list.")
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Number of recommenders that share its listeners."),
    ] = None,
    start: Annotated[bool, typer.Option("--start", help="Start it, too.")] = False,
    force: InLittleMemory = False,
    json: Json = False,
) -> None:
    """Creates a generation. Its settings never change, and its name is never used again."""
    from streams.lifecycle.generation_record import created, log_id_of, settings_from
    from streams.lifecycle.journal import operation

    with open_journal() as (settings, addresses, journal):
        lifecycle = journal.read()
        base = settings
        if like is not None:
            base = settings_from(lifecycle, Settings(generation=like), prefers="record")
        given = {"model": model, "list_length": list_length, "shards": shards}
        changes = {key: value for key, value in given.items() if value is not None}
        wanted = base.model_copy(update={"generation": name, "shards": 1, **changes})
        record = created(
            name, wanted, log_id_of(addresses.kafka), like=like, **operation(why, settings.who)
        )
        check_valid(lifecycle, record)
        if start and not force:
            check_room(settings, addresses, lifecycle, wanted)
        append(journal, lifecycle, record, f"{name} was created", json=json and not start)
        if start:
            _move(journal, settings, name, "STARTED", why, f"{name} was started", json=json)


def start_command(
    name: Name,
    why: Why,
    quiet: Annotated[bool, typer.Option("--quiet", help="Learn, and publish nothing.")] = False,
    force: InLittleMemory = False,
    json: Json = False,
) -> None:
    """Starts a generation: its recommenders fold the log, and publish to Redis.

    Refuses if this machine, or container, has less free memory than 1.5 times what its largest
    recommender uses, or than the tables of its model take.
    """
    with open_journal() as (settings, addresses, journal):
        lifecycle = journal.read()
        if not force:
            check_room(settings, addresses, lifecycle, settings_of(lifecycle, name))
        to, says = ("QUIET", "learns, and publishes nothing") if quiet else ("STARTED", "starts")
        _move(journal, settings, name, to, why, f"{name} {says}", json=json)


def stop_command(name: Name, why: Why, json: Json = False) -> None:
    """Stops a generation: its recommenders are parked. Its lists stay until they expire."""
    with open_journal() as (settings, _, journal):
        _move(journal, settings, name, "STOPPED", why, f"{name} was stopped", json=json)


def scale_command(
    name: Name,
    shards: Annotated[int, typer.Option(min=1, max=1024, help="Number of recommenders.")],
    why: Why,
    json: Json = False,
) -> None:
    """Changes the number of recommenders that share a generation's listeners."""
    with open_journal() as (settings, _, journal):
        known = journal.read().generations.get(name)
        if known is None:
            raise unknown(name)
        says = f"{name} has {shards} shards"
        _move(journal, settings, name, known.state, why, says, json=json, shards=shards)


def retire_command(name: Name, why: Why, json: Json = False) -> None:
    """Deletes what a generation left in Redis and Kafka, for good; it must not serve listeners.

    May be repeated if it was interrupted. Its name is never used again; its history stays.
    """
    from streams.lifecycle.retirement import is_retired

    with open_journal() as (settings, addresses, journal):
        if name not in journal.read().generations:
            raise unknown(name)
        if not is_retired(journal.lifecycle, name):
            _move(journal, settings, name, "RETIRING", why, f"{name} is being retired", json=False)
        with progress(f"retiring {name}") as show:
            steps = asyncio.run(_retired(settings, addresses, journal, name, show))
        if journal.lifecycle.generations[name].state != "RETIRED":
            _move(journal, settings, name, "RETIRED", why, "", json=False)
    if json:
        console.print_json({"state": "RETIRED", "steps": steps})
    else:
        console.say("\n".join(f"{each['step']:10} {each['says']}" for each in steps))
        console.say(f"{name} is retired")


async def _retired(
    settings: Settings, addresses: Addresses, journal: "Journal", name: str, show: Show
) -> list[dict[str, Any]]:
    from streams.lifecycle.retirement import retire

    steps: dict[str, dict[str, Any]] = {}
    async for each in retire(settings, addresses, journal, name):
        show(None, f"{each.step}: {each.says}")
        steps[each.step] = {"step": each.step, "done": True, "says": each.says}
    return list(steps.values())


def _move(
    journal: "Journal",
    settings: Settings,
    name: str,
    to: str,
    why: str,
    says: str,
    *,
    json: bool,
    shards: int = 0,
) -> None:
    from streams.lifecycle.journal import operation
    from topics.lifecycle import GenerationMoved, GenerationState

    said = operation(why, settings.who)
    record = GenerationMoved(name=name, to=GenerationState(to), shards=shards, **said)
    append(journal, journal.read(), record, says, json=json)
