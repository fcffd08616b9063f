"""`echotune import`: sends listening history as listening events (a backfill), each row once."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from infra.home import claim_if_possible
from streams.addresses import addresses_of, check_embedded_kafka_runs
from streams.cli import console
from streams.cli.options import Json, check_utf_8
from streams.cli.progress_bar import Show, progress
from streams.kafka.retries import until_answered_blocking
from streams.kafka.topic_facts import describe_topic
from streams.lifecycle.journal import Journal
from streams.lifecycle.known_generations import KnownGenerations
from streams.producers.event_producer import EventProducer
from streams.producers.history_import import ImportReport, import_rows
from streams.producers.import_ledger import ImportLedger, ledger_path
from streams.producers.import_pace import ImportPace
from streams.settings import Settings
from streams.sources.files import size_of
from streams.sources.history.history import History
from streams.sources.plays import rows
from topics.catalogue import LISTENING_EVENTS
from topics.errors import HistoryError, SettingsError
from topics.recommendation_list import EVERYONE


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("import", epilog="Example: echotune import my_spotify_data.zip --listener me")(
        import_command
    )


def import_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Spotify exports (zip or JSON), Parquet, CSV, JSONL, `export` files; recognised."
        ),
    ],
    listener: Annotated[
        str | None, typer.Option(help="The listener, if the files do not contain one.")
    ] = None,
    json: Json = False,
) -> None:
    """Sends listening history in order of time, each row once, even if it is imported again.

    It sends as fast as the workers learn, so that what is played meanwhile is not late. After an
    interruption, or with a later export that repeats an earlier one, only new rows are
    sent. Bad rows are counted and reported, and all others are imported.
    """
    settings = Settings()
    check_listener(listener)
    check_embedded_kafka_runs(settings)
    kafka = addresses_of(settings).kafka
    report = ImportReport()
    try:
        topic_id = _topic_id(settings, kafka)
        with (
            progress("importing") as show,
            ImportLedger(ledger_path(settings.home, topic_id)) as ledger,
            Journal(kafka) as journal,
            ImportPace(kafka, topic_id, KnownGenerations(journal)) as pace,
        ):
            history = History(files, listener, on_bytes=_shown_reading(show, size_of(files)))
            import_rows(
                history.rows(),
                EventProducer(kafka, console.say),
                pace,
                ledger,
                lambda so_far: show(history.share_read or None, f"{so_far.sent:,} sent"),
                report,
            )
    except KeyboardInterrupt:
        console.say(
            f"interrupted: {report.sent:,} events sent and recorded; "
            "the same command goes on with the others"
        )
        raise
    if json:
        console.print_json(report.as_json())
    else:
        _print(report)
    if not report.sent + report.already_there:
        raise HistoryError(
            "No row is a play: nothing was imported.",
            _what_was_left_out(report, is_printed=not json),
        )


def check_listener(listener: str | None) -> None:
    """Raises an error for a name that is no UTF-8, or that stands for all listeners."""
    check_utf_8(listener)
    if listener == EVERYONE:
        raise SettingsError(
            f"--listener {EVERYONE} stands for all listeners.", "Name one listener."
        )


def _what_was_left_out(report: ImportReport, *, is_printed: bool) -> str:
    if is_printed and report.rows + len(report.skipped):
        return "The lines above state what is wrong with the rows."
    return " ".join([*report.bad_reasons.lines(), *report.skipped]) or "The files hold no rows."


def _topic_id(settings: Settings, kafka: str) -> bytes:
    """The id of the topic, of which this home keeps a ledger."""
    topic = until_answered_blocking(
        lambda: describe_topic(kafka, LISTENING_EVENTS.name), console.say
    )
    claim_if_possible(settings.home)
    return topic.topic_id


def _shown_reading(show: Show, total_bytes: int) -> Callable[[int], None]:
    read_bytes = 0

    def on_bytes(more: int) -> None:
        nonlocal read_bytes
        read_bytes += more
        show(min(1.0, read_bytes / max(total_bytes, 1)), "reading and sorting")

    return on_bytes


def _print(report: ImportReport) -> None:
    for line in [*report.bad_reasons.lines(), *(f"not read: {each}" for each in report.skipped)]:
        console.say(line)
    for reason, count in report.ignored.items():
        console.say(f"ignored {rows(count)}: {reason}")
    if not report.sent + report.already_there:
        return
    events = "event" if report.sent == 1 else "events"
    bad = "bad row" if report.bad == 1 else "bad rows"
    console.say(
        f"import done: {report.sent:,} {events} sent, {report.already_there:,} were there already, "
        f"{report.bad:,} {bad}"
    )
