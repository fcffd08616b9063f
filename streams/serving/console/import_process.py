"""Imports one file for one listener, in a process of its own; says how far it is as JSON lines.

Lines are `{"share": 0.4, "sent": 1200}`, and at last `{"report": {...}}`, or `{"error": "..."}`.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from streams.addresses import Addresses, addresses_of
from streams.kafka.topic_facts import describe_topic
from streams.lifecycle.journal import Journal
from streams.lifecycle.known_generations import KnownGenerations
from streams.producers.event_producer import EventProducer
from streams.producers.history_import import ImportReport, import_rows
from streams.producers.import_ledger import ImportLedger, ledger_path
from streams.producers.import_pace import ImportPace
from streams.settings import Settings
from streams.sources.history.history import History
from topics.catalogue import LISTENING_EVENTS
from topics.errors import EchoTuneError, HistoryError

SAID_EVERY = 0.01
"""Progress is said when its share has grown by this."""
Say = Callable[[dict[str, Any]], object]


def main(path: str, listener_id: str) -> None:
    """Imports the file, which is named without its folder; an error is said as a line, too."""
    os.chdir(Path(path).parent)
    settings, name = Settings(), Path(Path(path).name)
    try:
        report = imported(settings, addresses_of(settings), name, listener_id, say_line)
    except EchoTuneError as error:
        say_line({"error": str(error)})
    else:
        say_line({"report": {**report.as_json(), "reasons": report.bad_reasons.lines()}})


def imported(
    settings: Settings, addresses: Addresses, path: Path, listener_id: str, say: Say
) -> ImportReport:
    """Imports the plays of a file as those of `listener_id`, whatever name it gives them."""
    report, progress = ImportReport(), Progress(path.stat().st_size, say)
    history = History([path], owner=listener_id, on_bytes=progress.on_bytes)
    topic = describe_topic(addresses.kafka, LISTENING_EVENTS.name)
    with (
        ImportLedger(ledger_path(settings.home, topic.topic_id)) as ledger,
        Journal(addresses.kafka) as journal,
        ImportPace(addresses.kafka, topic.topic_id, KnownGenerations(journal)) as pace,
    ):
        import_rows(
            history.rows(),
            EventProducer(addresses.kafka, lambda text: say({"waits": text})),
            pace,
            ledger,
            lambda so_far: progress.on_sent(history.share_read, so_far.sent),
            report,
        )
    if not report.sent + report.already_there:
        raise HistoryError(
            "No row of the file is a play.", " ".join(report.bad_reasons.lines() + report.skipped)
        )
    return report


class Progress:
    """Reading is the first half of the work, and sending the second."""

    def __init__(self, total_bytes: int, say: Say) -> None:
        self._total_bytes = max(total_bytes, 1)
        self._read_bytes = 0
        self._say = say
        self._said = 0.0

    def on_bytes(self, more: int) -> None:
        """Notes that more bytes were read."""
        self._read_bytes += more
        share = min(1.0, self._read_bytes / self._total_bytes) / 2
        if share - self._said >= SAID_EVERY:
            self._said = share
            self._say({"share": round(share, 3), "sent": 0})

    def on_sent(self, share: float, sent: int) -> None:
        """Notes that a batch was acknowledged."""
        self._say({"share": round(0.5 + share / 2, 3), "sent": sent})


def say_line(value: dict[str, Any]) -> None:
    """Prints a line of JSON at once."""
    print(orjson.dumps(value).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
