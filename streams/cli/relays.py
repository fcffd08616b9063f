"""`echotune relays ...`: where the listens of people go on to."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import typer

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json
from streams.settings import Settings
from topics.errors import ServerError, SettingsError

relays_app = typer.Typer(
    help="Where the listens of people go on to: ListenBrainz, or a service with its API.",
    no_args_is_help=True,
)
RelayId = Annotated[str, typer.Argument(metavar="RELAY", help="As `echotune relays list` says.")]
_TOKEN_BYTES_MAX = 1_024
T = TypeVar("T")


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(relays_app, name="relays")


@relays_app.command(
    "add",
    epilog="Example: echotune relays add ada --to https://api.listenbrainz.org --token-file t",
)
def add_command(
    person: Annotated[str, typer.Argument(help="Whose listens go on.")],
    to: Annotated[str, typer.Option("--to", metavar="URL", help="The service's URL.")],
    token_file: Annotated[
        Path, typer.Option("--token-file", help="A file with the person's token there.")
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="Only these sources (default: all players)."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE", help="Not these sources.")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Also what was listened to before.")
    ] = False,
) -> None:
    """Adds a relay, or changes the token and the sources of one.

    Listens go on from now on, as long as `echotune serve` runs. Imported histories do not,
    unless --only names their source.
    """
    from streams.relaying.relay import LIVE_SOURCES, Relay, relay_id_of

    Settings()  # a wrong setting is named before a wrong file
    relay = Relay(
        relay_id=relay_id_of(person, _checked(to)),
        person=person,
        url=to,
        token=_token_in(token_file),
        since=0 if from_start else time.time_ns() // 1_000_000,
        only=tuple(only or LIVE_SOURCES),
        without=tuple(without or ()),
    )
    is_new = _with_store(lambda store: store.add(relay))
    console.say(f"{relay.relay_id} is {'added' if is_new else 'changed'}")


@relays_app.command("list", epilog="Example: echotune relays list --json")
def list_command(json: Json = False) -> None:
    """Lists all relays: how far each is behind, and why it waits. No token is shown."""
    found = _with_store(_statuses)
    if json:
        console.print_json(found)
        return
    for each in found:
        behind = f"{each['lag']:,} behind, {each['delivered']:,} delivered"
        why = f"  ({each['why']})" if each["why"] else ""
        refused = f", {each['refused']:,} refused" if each["refused"] else ""
        console.out.print(
            f"{each['relay']}  {each['state']}: {behind}{refused}{why}",
            markup=False,
            soft_wrap=True,
        )


@relays_app.command("refused", epilog="Example: echotune relays refused ada@api.listenbrainz.org")
def refused_command(relay: RelayId, json: Json = False) -> None:
    """Lists the listens that a service refused, with its reasons. They are not sent again."""
    found = _with_store(lambda store: store.refused(relay))
    if json:
        console.print_json(found)
        return
    for each in found:
        names = f"{each['artist_name']} - {each['track_name']}"
        console.out.print(f"{each['why']}  {names}", markup=False, soft_wrap=True)


@relays_app.command("pause", epilog="Example: echotune relays pause ada@api.listenbrainz.org")
def pause_command(relay: RelayId) -> None:
    """Pauses a relay: its listens wait."""
    _changed(relay, "is paused", is_paused=True)


@relays_app.command("resume", epilog="Example: echotune relays resume ada@api.listenbrainz.org")
def resume_command(relay: RelayId) -> None:
    """Has a relay go on at once, with what has waited, also if its service had to be waited for."""
    _changed(relay, "goes on", is_paused=False, waits_until=0, failures=0, said="")


@relays_app.command("remove", epilog="Example: echotune relays remove ada@api.listenbrainz.org")
def remove_command(relay: RelayId) -> None:
    """Removes a relay with its token. What was delivered stays where it is."""
    if not _with_store(lambda store: store.remove(relay)):
        raise _unknown(relay)
    console.say(f"{relay} is removed")


def _changed(relay: str, what: str, **changes: Any) -> None:
    if not _with_store(lambda store: store.change(relay, **changes)):
        raise _unknown(relay)
    console.say(f"{relay} {what}")


def _unknown(relay: str) -> SettingsError:
    return SettingsError(f"There is no relay {relay}.", "`echotune relays list` names all.")


async def _statuses(store: Any) -> list[dict[str, Any]]:
    from streams.listens.listen_history import ListenHistory
    from streams.relaying.relay_runner import relay_status

    history = ListenHistory(_mongo(), prefix=Settings().prefix)
    try:
        return [await relay_status(history, each) for each in await store.all()]
    finally:
        history.close()


def _with_store(ask: Callable[[Any], Awaitable[T]]) -> T:
    """What `ask` answers, given the store."""
    from streams.relaying.relay_store import RelayStore

    async def answer() -> T:
        store = RelayStore(_mongo(), prefix=Settings().prefix)
        try:
            return await ask(store)
        finally:
            store.close()

    return asyncio.run(answer())


def _mongo() -> str:
    settings = Settings()
    mongo = addresses_of(settings).mongo
    if not mongo:
        raise ServerError("Relays need a MongoDB.", "Set ECHOTUNE_MONGO, or run `echotune up`.")
    return mongo


def _checked(url: str) -> str:
    """The URL, if it is one that a token may be sent to."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.fragment or "@" in parts.netloc or not url.isascii():
        raise SettingsError(
            f"{url} is not the URL of a service.",
            "It is http[s]://host[:port][/path], as the service's own page says.",
        )
    return url


def _token_in(path: Path) -> str:
    """The first line of a file, which has to be a token."""
    try:
        with path.expanduser().open(encoding="ascii") as file:
            token = file.read(_TOKEN_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no ASCII text"
        raise SettingsError(
            f"{path} cannot be read: {why}.", "It holds the token alone."
        ) from error
    if not token or not token.isprintable() or " " in token:
        raise SettingsError(f"{path} does not hold a token.", "It holds the token alone.")
    return token
