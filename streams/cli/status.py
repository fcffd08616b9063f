"""`echotune status`: prints the status of the whole system."""

import asyncio
from typing import Annotated, Any

import typer

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json
from streams.cli.untrusted_text import in_one_line
from streams.monitoring.status import system_status
from streams.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune status --json")(status)


def status(
    json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Print every value, one a line.")] = False,
) -> None:
    """Prints the status: events in the model, lists, lag, freshness, workers, servers, problems."""
    settings = Settings()
    found = asyncio.run(system_status(settings, addresses_of(settings)))
    if json:
        console.print_json(found)
        return
    lines, width = (_flat(found), 36) if every else (summary(found), 10)
    for name, value in lines:
        console.out.print(f"{name:{width}} {value}", markup=False, soft_wrap=True)


def summary(status: dict[str, Any]) -> list[tuple[str, str]]:
    """The status in a few lines for a person, by name."""
    lag, fresh = status["lag"], status["freshness_ms"]
    running = sum(1 for each in status["shards"] if each["recommender_id"])
    workers = f"recommenders: {running} of {len(status['shards'])}"
    behind = f"{_count(lag['events'])} waiting, {_count(lag['log_records'])} log records behind"
    return [
        ("generation", status["generation"]),
        ("events", f"{_count(status['applied'])} learnt, {behind}"),
        *_masked(status["recommender"]),
        ("lists", f"{_count(status['lists'])} in Redis"),
        ("freshness", _freshness(fresh)),
        ("workers", f"{workers}, sequencers: {len(status['sequencers'])}"),
        *([("http", status["http"])] if status["http"] else []),
        *(("relay", _relay_line(each)) for each in status.get("relays") or ()),
        ("servers", ", ".join(each for each in status["addresses"].values() if each)),
        *(("problem", each) for each in status["problems"]),
    ]


def _freshness(fresh: dict[str, Any]) -> str:
    if fresh.get("p50") is None:
        return "unknown: no list followed an event yet"
    return f"p50 {_count(fresh['p50'])} ms, p99 {_count(fresh.get('p99'))} ms"


def _masked(recommender: dict[str, Any]) -> list[tuple[str, str]]:
    """Plays that do not count because another source reported them, too; nothing without one."""
    sources = recommender.get("masked") or {}
    named = ", ".join(f"{in_one_line(name)} {_count(n)}" for name, n in sources.items())
    return [("masked", f"{named} (echotune duplicates)")] if sources else []


def _relay_line(relay: dict[str, Any]) -> str:
    why = f" ({relay['why']})" if relay.get("why") else ""
    return f"{relay['relay']}: {relay.get('state')}, {_count(relay['lag'])} listens behind{why}"


def _count(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """Names and values of all leaves of a JSON document."""
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    else:
        return [(name, value)]
    return [leaf for key, each in parts for leaf in _flat(each, f"{name}.{key}" if name else key)]
