"""`echotune people ...` and `echotune tokens ...`: who may use the HTTP interface."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from streams.addresses import Addresses, stores_of
from streams.cli import console
from streams.cli.options import Json
from streams.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis

ANNOUNCE_MAX_S = 2.0
people_app = typer.Typer(
    help="People who may use the HTTP interface: listeners with rights.", no_args_is_help=True
)
tokens_app = typer.Typer(
    help="Tokens by which players and programs are known.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="The person's name, which is the listener's id.")]
TokenId = Annotated[
    str, typer.Argument(metavar="ID", help="The token's id, as `echotune tokens list` shows it.")
]
_Result = TypeVar("_Result")


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(people_app, name="people")
    app.add_typer(tokens_app, name="tokens")


@people_app.command("add", epilog="Example: echotune people add ann --public-reads")
def add_command(
    name: Name,
    public_reads: Annotated[
        bool, typer.Option("--public-reads", help="Their plays and lists are read without a token.")
    ] = False,
    admin: Annotated[bool, typer.Option("--admin", help="May do what only admins may.")] = False,
    json: Json = False,
) -> None:
    """Adds a person. They need a token, too, to send plays."""
    from streams.cli.people_view import person_as_json

    added = _changed(lambda people: people.add(name, is_admin=admin, public_reads=public_reads))
    if json:
        console.print_json(person_as_json(added))
    else:
        console.say(
            f"{name} was added; `echotune tokens create {shlex.quote(name)}` gives them a token"
        )


@people_app.command("list", epilog="Example: echotune people list --json")
def list_command(json: Json = False) -> None:
    """Lists all people."""
    from streams.cli.people_view import people_table, person_as_json

    found = _asked(lambda people: people.people())
    if json:
        console.print_json([person_as_json(each) for each in found])
    else:
        console.out.print(people_table(found))


@people_app.command("set", epilog="Example: echotune people set ann --no-public-reads")
def set_command(
    name: Name,
    public_reads: Annotated[
        bool | None,
        typer.Option(
            "--public-reads/--no-public-reads", help="Are plays and lists read without a token?"
        ),
    ] = None,
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="May they do what only admins may?")
    ] = None,
    json: Json = False,
) -> None:
    """Changes what a person may."""
    from streams.cli.people_view import person_as_json, rights_in_words

    person = _changed(lambda people: people.set(name, is_admin=admin, public_reads=public_reads))
    if json:
        console.print_json(person_as_json(person))
    else:
        console.say(f"{name}: {rights_in_words(person)}")


@people_app.command("remove", epilog="Example: echotune people remove ann")
def remove_command(name: Name, json: Json = False) -> None:
    """Removes a person with their tokens, relays, playlists, and what was read of them.

    It does not erase their plays from the log.
    """
    revoked = _changed(lambda people: people.remove(name))
    asyncio.run(_forget(name))
    if json:
        console.print_json({"name": name, "tokens_revoked": revoked})
        return
    console.say(
        f"{name} was removed, with relays, playlists and the copy of their listens; tokens revoked:"
        f" {revoked}. What players reported in the last day goes as soon as `echotune serve` runs. "
        f"Their plays and their list remain: `echotune send --kind ERASE --listener "
        f"{shlex.quote(name)}` erases them."
    )


async def _forget(name: str) -> None:
    """Deletes what MongoDB has of a person; a service is told of the rest, and waits for nobody."""
    from streams.serving.forgetting import InMongo

    settings = Settings()
    kept = InMongo.opened(stores_of(settings).mongo, settings.prefix)
    try:
        await kept.depart(name)
    finally:
        kept.close()


@tokens_app.command("create", epilog="Example: echotune tokens create ann --name phone")
def create_command(
    name: Name,
    label: Annotated[str, typer.Option("--name", metavar="LABEL", help="What it is for.")] = "",
    json: Json = False,
) -> None:
    """Creates a token and prints it, once: only its digest is stored."""
    _print_token(*_changed(lambda people: people.create_token(name, label)), json=json)


@tokens_app.command("list", epilog="Example: echotune tokens list ann")
def tokens_command(
    name: Annotated[str | None, typer.Argument(help="Only those of this person.")] = None,
    json: Json = False,
) -> None:
    """Lists tokens by their ids; nothing can show the tokens themselves again."""
    from streams.cli.people_view import token_as_json, tokens_table

    found = _asked(lambda people: people.tokens(name))
    if json:
        console.print_json([token_as_json(each) for each in found])
    else:
        console.out.print(tokens_table(found))


@tokens_app.command("revoke", epilog="Example: echotune tokens revoke 3f2a9c81d04e")
def revoke_command(token_id: TokenId, json: Json = False) -> None:
    """Revokes a token: from now on it is refused."""
    from streams.cli.people_view import token_as_json

    revoked = _changed(lambda people: people.revoke(token_id))
    if json:
        console.print_json(token_as_json(revoked))
    else:
        console.say(f"the token {token_id} of {revoked.person} was revoked")


@tokens_app.command("rotate", epilog="Example: echotune tokens rotate 3f2a9c81d04e --grace 1h")
def rotate_command(
    token_id: TokenId,
    grace: Annotated[str, typer.Option(help="How long the old one works on; 0: no more.")] = "1h",
    json: Json = False,
) -> None:
    """Creates a token in the place of another, which ends after the grace time."""
    from streams.lifecycle.catching_up import seconds_of

    grace_ms = round(seconds_of(grace) * 1_000)
    _print_token(*_changed(lambda people: people.rotate(token_id, grace_ms)), json=json)


def _print_token(token: str, stored: Any, *, json: bool) -> None:
    from streams.cli.people_view import token_as_json

    if json:
        console.print_json({"token": token, **token_as_json(stored)})
        return
    console.out.print(token, markup=False, soft_wrap=True)
    console.say(f"its id is {stored.token_id}; the token is not shown again")


def _asked(ask: Callable[[Any], Awaitable[_Result]]) -> _Result:
    """What the store of people answers."""
    settings = Settings()
    return asyncio.run(_answer(settings, stores_of(settings), ask))


def _changed(change: Callable[[Any], Awaitable[_Result]]) -> _Result:
    """What the store of people answers to a change, of which the services are told then."""
    settings = Settings()
    return asyncio.run(_change(settings, stores_of(settings), change))


async def _change(
    settings: Settings, addresses: Addresses, change: Callable[[Any], Awaitable[_Result]]
) -> _Result:
    from streams.redis_client import redis_of

    if not addresses.redis:
        return await _answer(settings, addresses, change)
    redis = redis_of(addresses)  # an address that is wrong is found before anything changes
    try:
        result = await _answer(settings, addresses, change)
        await _announce(redis, settings.prefix)
        return result
    finally:
        await redis.aclose()


async def _answer(
    settings: Settings, addresses: Addresses, ask: Callable[[Any], Awaitable[_Result]]
) -> _Result:
    from streams.people.mongo_people import MongoPeople

    people = MongoPeople(addresses.mongo, prefix=settings.prefix)
    try:
        return await ask(people)
    finally:
        await people.close()


async def _announce(redis: "Redis", prefix: str) -> None:
    """Tells the services of a change; without Redis they find it themselves, within a second."""
    from streams.people.people_directory import announce
    from streams.redis_client import REDIS_UNAVAILABLE
    from streams.redis_refusals import redis_problem

    try:
        await asyncio.wait_for(announce(redis, prefix), ANNOUNCE_MAX_S)
    except REDIS_UNAVAILABLE as error:
        console.say(f"services learn of this a second later, without Redis: {redis_problem(error)}")
