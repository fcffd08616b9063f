"""`echotune replay`: learns the log, or a part of it, beside the live model, and shows how far."""

import asyncio
import time
from typing import Annotated, Any

import typer

from streams.addresses import Addresses, addresses_of, shown
from streams.cli import console
from streams.cli.generations.free_memory import InLittleMemory, check_room
from streams.cli.options import Json
from streams.cli.progress_bar import Show, progress
from streams.settings import Settings
from topics.errors import SettingsError

_LOOK_EVERY_S = 0.5
_SILENT_S = 5.0


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        epilog="Example: echotune replay --generation trial --model best --from 2026-01-01"
    )(replay)


def replay(
    generation: Annotated[
        str | None, typer.Option(help="An existing one is watched; by default a new name.")
    ] = None,
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="OFFSET|TIME", help="What precedes it is not learnt."),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", metavar="OFFSET|TIME", help="The last log record, or before TIME."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.0, help="Events a second, at most; 0: as fast as live lists allow."),
    ] = None,
    like: Annotated[
        str | None, typer.Option(help="Take the settings of this one (default: the stable one).")
    ] = None,
    model: Annotated[str | None, typer.Option(help="As in ECHOTUNE_MODEL.")] = None,
    force: InLittleMemory = False,
    json: Json = False,
) -> None:
    """Learns the log anew in a quiet generation, which publishes nothing, and shows its progress.

    Ctrl-C ends the watching, not the replay; the same command with --generation watches it again,
    and --rate changes its rate while it runs. Events before --from count as new if they come again.

    A new one is like --like, by default like the stable generation. Without another --model or
    --from it learns as that one does, and begins with its newest snapshot: the state is the same.
    """
    from streams.kafka.refusals import refusals_in_words
    from streams.lifecycle.journal import Journal
    from streams.lifecycle.replaying import WantedReplay, begin_replay, likeness

    settings = Settings()
    addresses = addresses_of(settings)
    wanted = WantedReplay(generation, first, last, like, model)
    with refusals_in_words(addresses.kafka), Journal(addresses.kafka) as journal:

        def check(lifecycle: Any, fresh: Settings) -> None:
            if not force:
                check_room(settings, addresses, lifecycle, fresh)

        known = [*journal.read().generations]
        found = begin_replay(journal, settings, addresses.kafka, wanted, "a replay", check)
        name = found.created.name
        if name not in known:
            console.say(likeness(journal.lifecycle, name))
        try:
            with progress(f"replay {name}") as show:
                at = asyncio.run(_watched(settings, addresses, journal, name, rate, show))
        except KeyboardInterrupt:
            console.say(
                f"{name} goes on; look again with: echotune replay --generation {name}\n"
                f"end it with: echotune generations stop {name} --why ..."
            )
            raise
    if json:
        console.print_json(at)
    else:
        console.say(
            f"{name} has learnt the log up to record {at['as_of']:,}: {at['events']:,} events"
        )


async def _watched(
    settings: Settings,
    addresses: Addresses,
    journal: Any,
    name: str,
    rate: float | None,
    show: Show,
) -> dict[str, Any]:
    """Shows the progress until the replay is done; returns the last one as JSON values."""
    from streams.lifecycle.overview import statuses_of
    from streams.lifecycle.replaying import ReplayWatch

    if rate is not None:
        await _set_rate(settings, addresses, name, rate)
    generation = journal.lifecycle.generations[name]
    _, log_end = await statuses_of(settings, addresses, name, generation.shards)
    until = generation.learn_until
    watch = ReplayWatch(name, log_end - 1 if until is None else until)
    heard_at = time.monotonic()
    while True:
        _check_folds(await asyncio.to_thread(journal.read), name)
        statuses, _ = await statuses_of(settings, addresses, name, generation.shards)
        now_s = time.monotonic()
        found = watch.note(now_s, statuses)
        if found.is_done:
            return found._asdict()
        heard_at = now_s if found.heard else heard_at
        share = (found.as_of + 1) / max(found.target + 1, 1)
        show(share, _in_words(found) if now_s - heard_at < _SILENT_S else _not_heard(name))
        await asyncio.sleep(_LOOK_EVERY_S)


async def _set_rate(settings: Settings, addresses: Addresses, name: str, rate: float) -> None:
    from streams.monitoring.replay_rate import set_rate
    from streams.redis_client import REDIS_UNAVAILABLE, redis_of
    from streams.redis_refusals import redis_error

    redis = redis_of(addresses)
    try:
        await set_rate(redis, name, rate, settings.prefix)
    except REDIS_UNAVAILABLE as error:
        raise redis_error(shown(addresses.redis), error) from error
    finally:
        await redis.aclose()


def _check_folds(lifecycle: Any, name: str) -> None:
    from streams.lifecycle.lifecycle import Role

    if lifecycle.role_of(name) is Role.PARKED:
        raise SettingsError(
            f"{name} was stopped.", f"`echotune replay --generation {name}` goes on with it."
        )


def _in_words(found: Any) -> str:
    speed = "" if found.events_per_s is None else f", {found.events_per_s:,.0f} events/s"
    eta = "" if found.eta_s is None else f", {found.eta_s:,.0f} s to go"
    waits = ", gives way to live lists or --rate" if found.throttled else ""
    return f"record {found.as_of:,} of {found.target:,}{speed}{eta}{waits}"


def _not_heard(name: str) -> str:
    return (
        f"no recommender of it is heard; `echotune run` runs one, or start: "
        f"echotune worker recommender --generation {name}"
    )
