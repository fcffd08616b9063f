"""`echotune duplicates`: lists plays that another source's play masks; `keep` has one count."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json
from streams.cli.progress_bar import Show, progress
from streams.cli.untrusted_text import in_one_line
from streams.settings import Settings
from topics.errors import EchoTuneError
from topics.learning_log import LogRecord

if TYPE_CHECKING:
    from streams.monitoring.masked_plays import MaskedPlay, Wanted

duplicates_app = typer.Typer()


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(duplicates_app, name="duplicates")


Listener = Annotated[str | None, typer.Option(help="Only plays of this listener.")]


@duplicates_app.callback(
    invoke_without_command=True, epilog="Example: echotune duplicates --listener ann --limit 20"
)
def list_command(
    context: typer.Context,
    listener: Listener = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many of the newest.")] = 50,
    json: Json = False,
) -> None:
    """Lists masked plays, newest last: two scrobblers reported one play, and one report counts.

    The log is read from its start, without a model. `echotune duplicates keep EVENT_ID` has a play
    count that is none of that.
    """
    from streams.monitoring.masked_plays import Wanted

    if context.invoked_subcommand is not None:
        return
    found = _found(Settings(), Wanted(listener_id=listener, limit=limit))
    if json:
        console.print_json([each.as_json() for each in found])
        return
    for each in found:
        console.out.print(in_one_line(_line(each)), soft_wrap=True, markup=False)
    console.say(f"{len(found)} masked plays")


@duplicates_app.command(
    "keep", epilog="Example: echotune duplicates keep 1f0e9b9c-8a41-5c33-9d5e-6c0f7f0d2a11"
)
def keep_command(
    event_id: Annotated[str, typer.Argument(help="The id of a masked play, as the list has it.")],
    listener: Listener = None,
    json: Json = False,
) -> None:
    """Has a masked play count: sends a KEEP, from which on each fold counts the play."""
    from streams.cli.send import sent
    from streams.monitoring.masked_plays import Wanted, keep_of

    settings = Settings()
    found = _found(settings, Wanted(listener_id=listener, event_id=event_id))
    if not found:
        raise EchoTuneError(
            f"No masked play has the id {event_id}.",
            "`echotune duplicates` lists them; a play that was kept before counts already.",
        )
    if len({each.event.listener_id for each in found}) > 1:
        raise EchoTuneError(
            f"Plays of several listeners have the id {event_id}.", "Name one with --listener."
        )
    keep = keep_of(found[-1])
    place = sent(settings, keep)
    if json:
        console.print_json({"event_id": keep.event_id, "keeps": event_id, **place._asdict()})
    else:
        console.say(f"sent {keep.event_id} to partition {place.partition} at {place.offset}")


def _found(settings: Settings, wanted: "Wanted") -> list["MaskedPlay"]:
    from streams.monitoring.masked_plays import masked_plays

    kafka = addresses_of(settings).kafka
    with progress("reading the log") as show:
        return masked_plays(_records(kafka, show), _window(settings, kafka), wanted)


def _window(settings: Settings, kafka: str) -> int:
    """The deduplication window of the generation that serves listeners."""
    from streams.lifecycle.generation_record import settings_from
    from streams.lifecycle.journal import read_lifecycle

    lifecycle = read_lifecycle(kafka)
    if "generation" not in settings.model_fields_set and not lifecycle.is_empty:
        settings = Settings(generation=lifecycle.plan.stable)
    return settings_from(lifecycle, settings, prefers="settings").duplicate_window


def _records(kafka: str, show: Show) -> Iterator[tuple[int, LogRecord]]:
    from streams.kafka.log_reader import LogReader

    with LogReader(kafka) as reader:
        last = reader.bounds().end - 1
        for offset, record in reader.decoded(0, last):
            show((offset + 1) / (last + 1), f"offset {offset:,}")
            yield offset, record


def _line(masked: "MaskedPlay") -> str:
    event, masker = masked.event, masked.masker
    names = f"{event.artist_name} – {event.track_name}" if event.track_name else event.track_id
    apart = (int(event.listened_at or 0) - masker.listened_at) / 1_000
    at = _time_of(int(event.listened_at or 0))
    by = f"{event.source}, {apart:+,.0f} s from {masker.source}"
    return f"{event.event_id} {at} {event.listener_id}: {names} ({by})"


def _time_of(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
