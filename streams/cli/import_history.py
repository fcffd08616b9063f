"""`echotune import`: sends listening history as listening events (a backfill), each row once."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from streams.addresses import addresses_of, check_embedded_kafka_runs
from streams.cli import console
from streams.cli.options import Json
from streams.cli.progress_bar import Show, progress
from streams.kafka.retries import until_answered_blocking
from streams.kafka.topic_facts import describe_topic
from streams.producers.event_producer import EventProducer
from streams.producers.history_import import ImportReport, import_rows
from streams.producers.import_ledger import ImportLedger
from streams.settings import Settings
from streams.sources.files import size_of
from streams.sources.history.history import History
from topics.catalogue import LISTENING_EVENTS


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("import", epilog="Example: echotune import my_spotify_data.zip --listener me")(
        import_command
    )


def import_command(
    files: Annotated[
        list[Path],
        typer.Argument(help="Spotify exports (zip or JSON), Parquet, CSV or JSONL; recognised."),
    ],
    listener: Annotated[
        str | None, typer.Option(help="The listener, if the files do not contain one.")
    ] = None,
    json: Json = False,
) -> None:
    """Sends listening history in order of time, each row once, even if it is imported again.

    After an interruption, or with a later export that repeats an earlier one, only new rows are
    sent. Bad rows are counted and reported, and all others are imported.
    """
    settings = Settings()
    check_embedded_kafka_runs(settings)
    kafka = addresses_of(settings).kafka
    with progress("importing") as show, _ledger(settings, kafka) as ledger:
        history = History(files, listener, on_bytes=_shown_reading(show, size_of(files)))
        report = import_rows(
            history.rows(),
            EventProducer(kafka, console.say),
            ledger,
            lambda so_far: show(history.share_read, f"{so_far.sent:,} sent"),
        )
    if json:
        console.print_json(report.as_json())
    else:
        _print(report)


def _ledger(settings: Settings, kafka: str) -> ImportLedger:
    """The ledger of this topic's id; a recreated topic has an empty ledger of its own."""
    topic = until_answered_blocking(
        lambda: describe_topic(kafka, LISTENING_EVENTS.name), console.say
    )
    return ImportLedger(settings.home / "imports" / f"sent-to-{topic.topic_id.hex()}")


def _shown_reading(show: Show, total_bytes: int) -> Callable[[int], None]:
    read_bytes = 0

    def on_bytes(more: int) -> None:
        nonlocal read_bytes
        read_bytes += more
        show(min(1.0, read_bytes / max(total_bytes, 1)), "reading and sorting")

    return on_bytes


def _print(report: ImportReport) -> None:
    for each in report.bad_rows:
        console.say(f"left out: {each}")
    if report.bad > len(report.bad_rows):
        console.say(f"... and {report.bad - len(report.bad_rows):,} bad rows more")
    for reason, rows in report.ignored.items():
        console.say(f"ignored {rows:,} rows: {reason}")
    console.say(
        f"import done: {report.sent:,} events sent, {report.already_there:,} were there already, "
        f"{report.bad:,} bad rows"
    )
