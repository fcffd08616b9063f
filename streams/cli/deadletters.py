"""`echotune deadletters list|show`: what was rejected, why, and its bytes as they came."""

from typing import Annotated

import typer

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json
from streams.dead_letter_reading import DeadLetter, dead_letters
from streams.settings import Settings
from topics.errors import EchoTuneError

deadletters_app = typer.Typer(help="Shows rejected records.", no_args_is_help=True)
BYTES_SHOWN = 512


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(deadletters_app, name="deadletters")


@deadletters_app.command("list", epilog="Example: echotune deadletters list --last 20")
def list_command(
    last: Annotated[int, typer.Option(min=1, max=10_000, help="How many of the newest.")] = 50,
    json: Json = False,
) -> None:
    """Lists the newest dead letters, oldest first: where they came from, and what is wrong."""
    found = dead_letters(addresses_of(Settings()).kafka, last)
    if json:
        console.print_json([each.as_json() for each in found])
        return
    for each in found:
        text = f"{each.origin:32} {each.reason:20} {each.error}"
        console.out.print(text, soft_wrap=True, markup=False)
    console.say(f"{len(found)} dead letters")


@deadletters_app.command("show", epilog="Example: echotune deadletters show listening-events/0/17")
def show_command(
    origin: Annotated[str, typer.Argument(help="topic/partition/offset, as `list` prints it.")],
    json: Json = False,
) -> None:
    """Shows one dead letter with its headers and bytes."""
    found = [each for each in dead_letters(addresses_of(Settings()).kafka) if each.origin == origin]
    if not found:
        raise EchoTuneError(
            f"No dead letter came from {origin}.",
            "`echotune deadletters list` shows what there is.",
        )
    if json:
        console.print_json(found[-1].as_json() | {"hex": (found[-1].value or b"").hex()})
    else:
        _print(found[-1])


def _print(letter: DeadLetter) -> None:
    for name, value in letter.headers.items():
        console.out.print(f"{name:18} {value}", soft_wrap=True, markup=False)
    if letter.value is None:
        console.out.print("value              null", markup=False)
        return
    shown = letter.value[:BYTES_SHOWN]
    more = f" ... and {len(letter.value) - len(shown):,} bytes more"
    cut = more if len(letter.value) > len(shown) else ""
    console.out.print(f"{'bytes':18} {shown!r}{cut}", soft_wrap=True, markup=False)
