"""`echotune recommend|watch`: shows a listener's list, once or whenever it changes."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.live import Live

from streams.addresses import addresses_of
from streams.cli import EXIT_NO, console
from streams.cli.list_view import age_ms, list_table
from streams.cli.options import Json
from streams.lists.list_store import StoredList
from streams.monitoring.list_reader import ListReader
from streams.settings import Settings

_READ_EVERY_S = 0.2
_Show = Callable[[StoredList | None, dict[str, str]], object]
_Listener = Annotated[str, typer.Argument(help="Id of the listener.")]
_Length = Annotated[int, typer.Option("-k", min=1, max=200, help="How many tracks.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(epilog="Example: echotune recommend ann -k 5 --explain")(recommend)
    app.command(epilog="Example: echotune watch ann")(watch)


def recommend(
    listener: _Listener,
    k: _Length = 20,
    explain: Annotated[
        bool, typer.Option("--explain", help="Explain why each track is there.")
    ] = False,
    json: Json = False,
) -> None:
    """Prints a listener's current list; exit code 1 if there is none at all."""
    settings = Settings()
    stored, names = asyncio.run(_read(settings, listener))
    if json:
        console.print_json(_as_json(listener, stored, names, k))
    elif stored is None:
        console.say("there is no list yet: is a recommender running, and did anything play?")
    else:
        console.out.print(list_table(_title(listener, stored), stored, names, k=k, explain=explain))
        if explain:
            console.out.print(_provenance(stored), style="dim")
    raise typer.Exit(0 if stored else EXIT_NO)


async def _read(settings: Settings, listener: str) -> tuple[StoredList | None, dict[str, str]]:
    async with ListReader(settings, addresses_of(settings)) as reader:
        stored = await reader.read(listener)
        return stored, await reader.names(stored)


def _title(listener: str, stored: StoredList) -> str:
    return f"everyone's list ({listener} is not known)" if stored.is_fallback else f"for {listener}"


def _provenance(stored: StoredList) -> str:
    return (
        f"generation {stored.generation}, learning-log offset {stored.as_of} "
        f"(epoch {stored.log_epoch}), visible for {age_ms(stored):,} ms"
    )


def _as_json(
    listener: str, stored: StoredList | None, names: dict[str, str], k: int
) -> dict[str, Any]:
    if stored is None:
        return {"listener": listener, "items": []}
    return {
        "listener": listener,
        "fallback": stored.is_fallback,
        "generation": stored.generation,
        "as_of": stored.as_of,
        "log_epoch": stored.log_epoch,
        "event_time": stored.event_time,
        "published_at": stored.published_at,
        "items": [{**item._asdict(), "name": names[item.track_id]} for item in stored.items[:k]],
    }


def watch(
    listener: _Listener,
    k: _Length = 20,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON document per line, whenever the list changes.")
    ] = False,
) -> None:
    """Shows a listener's list and redraws it as it changes, until Ctrl-C."""
    settings = Settings()
    if json:
        asyncio.run(_watch(settings, listener, partial(_print_line, listener, k)))
    if not console.out.can_redraw:
        asyncio.run(_watch(settings, listener, partial(_print_list, listener, k)))
    with Live(console=console.out, auto_refresh=False) as live:
        asyncio.run(_watch(settings, listener, partial(_redraw, live, listener, k)))


async def _watch(settings: Settings, listener: str, show: _Show) -> None:
    """Shows the list, or that there is none, immediately and after every change."""
    async with ListReader(settings, addresses_of(settings)) as reader:
        shown: tuple[StoredList | None] | None = None
        while True:
            stored = await reader.read(listener)
            if shown != (stored,):
                show(stored, await reader.names(stored))
                shown = (stored,)
            await asyncio.sleep(_READ_EVERY_S)


def _redraw(
    live: Live, listener: str, k: int, stored: StoredList | None, names: dict[str, str]
) -> None:
    live.update(_watched(listener, k, stored, names), refresh=True)


def _print_list(listener: str, k: int, stored: StoredList | None, names: dict[str, str]) -> None:
    console.out.print(_watched(listener, k, stored, names))


def _watched(
    listener: str, k: int, stored: StoredList | None, names: dict[str, str]
) -> RenderableType:
    title = _title(listener, stored) if stored else f"no list for {listener} yet"
    return list_table(title, stored, names, k=k)


def _print_line(listener: str, k: int, stored: StoredList | None, names: dict[str, str]) -> None:
    console.print_json_line(_as_json(listener, stored, names, k))
