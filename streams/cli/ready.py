"""`echotune ready`: whether one recommender works, for the probe of a container."""

import asyncio
from typing import Annotated

import typer

from streams.addresses import addresses_of, shown
from streams.cli import EXIT_NO, console
from streams.cli.options import Json
from streams.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune ready --shard 1")(ready)


def ready(
    shard: Annotated[int | None, typer.Option(min=0, help="By default ECHOTUNE_SHARD.")] = None,
    json: Json = False,
) -> None:
    """Says whether the recommender of ECHOTUNE_GENERATION is heard and may publish; else code 1.

    It asks Redis alone, and is meant for readiness probes: a recommender that still catches up
    with the log is not ready.
    """
    from streams.lifecycle.overview import heard_of
    from streams.redis_client import REDIS_UNAVAILABLE
    from streams.redis_refusals import redis_error

    settings = Settings() if shard is None else Settings(shard=shard)
    addresses = addresses_of(settings)
    try:
        says = _not_ready(asyncio.run(heard_of(settings, addresses)))
    except REDIS_UNAVAILABLE as error:
        raise redis_error(shown(addresses.redis), error) from error
    if json:
        console.print_json(
            {"recommender_id": settings.recommender_id, "ready": not says, "says": says}
        )
    else:
        console.say(f"{settings.recommender_id}: {says or 'ready'}")
    raise typer.Exit(EXIT_NO if says else 0)


def _not_ready(status: dict[str, object]) -> str:
    if not status:
        return "not heard"
    if status.get("waits_for"):
        return f"waits for {status['waits_for']}"
    return "" if status.get("publishing") else "still catches up with the log"
