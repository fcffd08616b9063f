"""`echotune deadletters list|show|replay`: lists, shows and resends rejected records."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from streams.addresses import addresses_of
from streams.cli import EXIT_NO, console
from streams.cli.options import Json
from streams.cli.progress_bar import progress
from streams.cli.untrusted_text import in_one_line
from streams.dead_letters.dead_letter_reader import (
    SHOWN_MAX,
    DeadLetter,
    dead_letters,
    each_letter,
    newest_of,
)
from streams.producers.event_producer import EventProducer
from streams.registry.contracts import registry_of
from streams.registry.writer_schemas import ArchivedSchemas
from streams.settings import Settings
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.errors import EchoTuneError

if TYPE_CHECKING:
    from streams.dead_letters.resending import Plan

deadletters_app = typer.Typer(
    help="Shows rejected records, and sends them again.", no_args_is_help=True
)
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
        console.out.print(in_one_line(text), soft_wrap=True, markup=False)
    console.say(f"{len(found)} dead letters")


@deadletters_app.command("show", epilog="Example: echotune deadletters show listening-events/0/17")
def show_command(
    origin: Annotated[str, typer.Argument(help="topic/partition/offset, as `list` prints it.")],
    json: Json = False,
) -> None:
    """Shows one dead letter with its headers and bytes."""
    letters = each_letter(addresses_of(Settings()).kafka, SHOWN_MAX)
    found = newest_of((each for each in letters if each.origin == origin), 1)
    if not found:
        raise EchoTuneError(
            f"No dead letter came from {origin}.",
            "`echotune deadletters list` shows what there is.",
        )
    if json:
        console.print_json(found[-1].as_json() | {"hex": (found[-1].value or b"").hex()})
    else:
        _print(found[-1])


@deadletters_app.command("replay", epilog="Example: echotune deadletters replay --dry-run")
def replay_command(
    reason: Annotated[
        str | None, typer.Option(help="Only letters with this reason, as `list` prints it.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="Only this one: topic/partition/offset.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be sent.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Sends what was rejected to its topic again, once each, where this version takes it.

    For when the cause was mended: a schema that is known now, a bound that was raised. Letters
    whose origin the log does not call rejected, that were sent before, or that would be rejected
    again stay where they are; a second call sends nothing more.
    """
    from streams.dead_letters.resending import Fate, replay_of, send

    settings = Settings()
    kafka = addresses_of(settings).kafka
    with progress("reading the log") as show:
        replay = replay_of(
            kafka,
            Decoder(LISTENING_EVENTS.contracts, ArchivedSchemas(registry_of(settings)).lookup),
            time.time_ns() // 1_000_000,
            lambda at, last: show(at / max(last, 1), f"offset {at:,}"),
            wanted=lambda each: reason in (None, each.reason) and origin in (None, each.origin),
        )
        plan = replay.plan()
    count = plan.fates[Fate.SENT]
    if count and not dry_run and not yes and not typer.confirm(f"Send {count:,} records again?"):
        raise typer.Exit(EXIT_NO)
    if count and not dry_run:
        send(replay, EventProducer(kafka, console.say))
    if json:
        console.print_json(plan.as_json() | {"dry_run": dry_run})
    else:
        _print_plan(plan, "would be sent" if dry_run else "sent")


def _print_plan(plan: "Plan", done: str) -> None:
    for fate, letters in sorted(plan.fates.items()):
        text = done if fate == "sent" else fate.replace("_", " ")
        console.out.print(f"{letters:8,} {text}", markup=False)
    for reason, letters in sorted(plan.reasons.items()):
        console.out.print(f"{letters:8,} would be rejected as {reason}", markup=False)
    if not plan.fates:
        console.out.print("no dead letters", markup=False)


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
