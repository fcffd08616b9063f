"""`echotune up|down|reset`: starts and stops the embedded servers, and deletes their data."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from infra.embedded_servers import EmbeddedServers
from infra.home import STATE_FOLDERS, is_claimed
from streams.addresses import Addresses, addresses_of, redis_url, shown_addresses
from streams.cli import EXIT_NO, console
from streams.cli.options import Json
from streams.cli.topics import apply_topics
from streams.settings import Settings
from streams.workers.supervisor import run_lock
from topics.errors import ServerError

_DOOMED = ".deleted"


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(epilog="Example: echotune up --json")(up)
    app.command(epilog="Example: echotune down")(down)
    app.command(epilog="Example: echotune reset --yes")(reset)


def embedded_servers(settings: Settings) -> EmbeddedServers:
    """The servers of the home folder, except those that are set in the environment."""
    set_elsewhere = {
        "kafka": settings.kafka,
        "redis": settings.redis.get_secret_value(),
        "mongo": settings.mongo.get_secret_value(),
    }
    want = [name for name, address in set_elsewhere.items() if not address]
    return EmbeddedServers(settings.home, kafka_libs=settings.kafka_libs, want=want)


def start_servers(settings: Settings) -> None:
    """Starts the embedded servers, and creates the topics."""
    asyncio.run(_check_addresses(settings))
    servers = embedded_servers(settings)
    if servers.wanted:
        servers.up(console.say)
    apply_topics(settings, addresses_of(settings))


async def _check_addresses(settings: Settings) -> None:
    """Raises `SettingsError` for an address that is none, before anything is started."""
    if redis := redis_url(settings):
        from streams.redis_client import redis_of

        await redis_of(Addresses(kafka="", redis=redis, mongo="")).aclose()
    if mongo := settings.mongo.get_secret_value():
        from streams.tracks.mongo_track_catalogue import MongoTrackCatalogue

        await MongoTrackCatalogue(mongo).close()


def up(json: Json = False) -> None:
    """Starts Kafka, Redis and MongoDB under ECHOTUNE_HOME and creates the topics.

    Servers whose ECHOTUNE_* address is set are used instead. Idempotent.
    """
    settings = Settings()
    start_servers(settings)
    if json:
        addresses = addresses_of(settings)
        pids = embedded_servers(settings).pids()
        console.print_json({"addresses": shown_addresses(addresses), "pids": pids})


def down() -> None:
    """Stops the embedded servers; their data stay."""
    settings = Settings()
    if _is_without_servers(settings.home):
        console.say(f"no server was ever started in {settings.home}")
    else:
        embedded_servers(settings).down(console.say)


def _is_without_servers(home: Path) -> bool:
    """Whether nothing of EchoTune is there; looking for its servers would create the folder."""
    return not home.exists() or (home.is_dir() and not is_claimed(home))


def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    snapshots: Annotated[
        bool,
        typer.Option(
            "--snapshots", help="Delete only the snapshots; the log is then folded again."
        ),
    ] = False,
) -> None:
    """Deletes the data of EchoTune under ECHOTUNE_HOME; asks first."""
    settings = Settings()
    if not settings.home.exists():
        console.say(f"there is nothing to delete: {settings.home} does not exist")
        return
    _check_is_ours(settings.home)
    folders = ["snapshots"] if snapshots else STATE_FOLDERS
    paths = [path for name in folders if (path := settings.home / name).exists()]
    listed = ", ".join(map(str, paths)) or "nothing"
    if not yes and not typer.confirm(f"Delete {listed}?"):
        raise typer.Exit(EXIT_NO)
    with run_lock(settings.home):
        if not snapshots:
            embedded_servers(settings).down(console.say)
            (settings.home / "servers.json").unlink(missing_ok=True)
        doomed = {*map(_set_aside, paths)}
        for name in folders:  # including those of an interrupted call
            doomed |= {*settings.home.glob(f"{name}-*{_DOOMED}")}
        for path in sorted(doomed):
            shutil.rmtree(path)
    console.say(f"deleted: {listed}")


def _check_is_ours(home: Path) -> None:
    """Raises `ServerError` if nothing of EchoTune made the folder: its data are of somebody."""
    if not is_claimed(home):
        raise ServerError(
            f"The home folder {home} was not made by EchoTune, so nothing in it is deleted.",
            "Set ECHOTUNE_HOME to the folder that `echotune up` or a worker has used.",
        )


def _set_aside(path: Path) -> Path:
    """Renames a folder that is to be deleted; an interruption leaves no half-deleted data."""
    try:
        return path.rename(path.with_name(f"{path.name}-{time.time_ns()}{_DOOMED}"))
    except OSError:  # a volume of its own
        return path
