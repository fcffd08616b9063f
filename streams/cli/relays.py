"""`echotune relays ...`: where the listens of people go on to."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
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
    help="Where the listens of people go on to: ListenBrainz, Last.fm, or what has one's API.",
    no_args_is_help=True,
)
RelayId = Annotated[str, typer.Argument(metavar="RELAY", help="As `echotune relays list` says.")]
_TOKEN_BYTES_MAX = 1_024


class Kind(StrEnum):
    """The API of a service."""

    LISTENBRAINZ = "listenbrainz"
    LASTFM = "lastfm"


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
        Path,
        typer.Option(
            "--token-file",
            help="A file with the person's token there; for Last.fm's API, lines session_key=, "
            "api_key= and secret=.",
        ),
    ],
    kind: Annotated[
        Kind | None, typer.Option(help="The service's API (default: as the URL looks).")
    ] = None,
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
    from streams.relaying.lastfm_scrobbles import is_lastfm
    from streams.relaying.relay import LASTFM, LIVE_SOURCES, Relay, relay_id_of

    Settings()  # a wrong setting is named before a wrong file
    kind = kind or (Kind.LASTFM if is_lastfm(_checked(to)) else Kind.LISTENBRAINZ)
    keys = _keys_in(token_file, to) if kind == LASTFM else {"token": _token_in(token_file)}
    now_ms = time.time_ns() // 1_000_000
    relay = Relay(
        relay_id=relay_id_of(person, _checked(to)),
        person=person,
        url=to,
        kind=str(kind),
        token=keys["token"],
        api_key=keys.get("api_key", ""),
        secret=keys.get("secret", ""),
        since=0 if from_start else now_ms,
        only=tuple(only or LIVE_SOURCES),
        without=tuple(without or ()),
        added_at=now_ms,
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
    _changed(
        relay, "goes on", is_paused=False, is_stopped=False, waits_until=0, failures=0, said=""
    )


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


def _keys_in(path: Path, url: str) -> dict[str, str]:
    """What a file for Last.fm's API says; only Last.fm itself gives keys to programs."""
    from streams.relaying.lastfm_scrobbles import FREE_KEY, needs_own_key

    lines = [each.partition("=") for each in _text_in(path).splitlines() if each.strip()]
    said = {name.strip(): value.strip() for name, _, value in lines}
    defaults = {} if needs_own_key(url) else {"api_key": FREE_KEY, "secret": FREE_KEY}
    keys = defaults | {name: value for name, value in said.items() if value}
    if {*keys} != {"session_key", "api_key", "secret"} or not all(map(_is_word, keys.values())):
        raise SettingsError(
            f"{path} does not hold what Last.fm's API needs.",
            "It holds the lines session_key=..., api_key=... and secret=...; docs/relay.md says "
            "where they are from.",
        )
    return {"token": keys["session_key"], "api_key": keys["api_key"], "secret": keys["secret"]}


def _token_in(path: Path) -> str:
    """The text of a file, which has to be a token."""
    token = _text_in(path)
    if not _is_word(token):
        raise SettingsError(f"{path} does not hold a token.", "It holds the token alone.")
    return token


def _is_word(text: str) -> bool:
    return bool(text) and text.isprintable() and " " not in text


def _text_in(path: Path) -> str:
    try:
        with path.expanduser().open(encoding="ascii") as file:
            return file.read(_TOKEN_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no ASCII text"
        raise SettingsError(
            f"{path} cannot be read: {why}.",
            "Name a file that this user can read; docs/relay.md says what it holds.",
        ) from error
