"""Imports listening history (a backfill); each row is sent once, even if imports are repeated."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from streams.producers.event_producer import EventProducer
from streams.producers.import_ledger import ImportLedger
from streams.producers.import_pace import Pace
from streams.sources.plays import BadReasons, BadRow, HistoryRow, Ignored, Skipped
from topics.listening_event import ListeningEvent

EVENTS_A_BATCH = 10_000
"""Number of events that are acknowledged and then recorded; a crash repeats at most these."""
EVENTS_AT_ONCE = 500
"""Number of events that are sent before the pace is asked again."""
BAD_ROWS_KEPT = 20


@dataclass
class ImportReport:
    """Numbers of rows of an import, by outcome."""

    sent: int = 0
    already_there: int = 0
    bad: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    """The first `BAD_ROWS_KEPT` of them."""
    bad_reasons: BadReasons = field(default_factory=BadReasons)
    skipped: list[str] = field(default_factory=list)
    """Files that were not read, and why."""
    ignored: Counter[str] = field(default_factory=Counter)
    """Number of rows that are no plays of music, by reason."""

    @property
    def rows(self) -> int:
        """Number of rows that were read."""
        return self.sent + self.already_there + self.bad + self.ignored.total()

    def as_json(self) -> dict[str, Any]:
        """JSON values with stable names."""
        return {
            "rows": self.rows,
            "sent": self.sent,
            "already_there": self.already_there,
            "bad": self.bad,
            "bad_rows": [str(each) for each in self.bad_rows],
            "ignored": dict(self.ignored),
            "skipped": self.skipped,
        }


def events_of(rows: Iterable[HistoryRow], report: ImportReport) -> Iterator[ListeningEvent]:
    """The events among `rows`; bad and ignored rows are noted in `report`."""
    for row in rows:
        if isinstance(row, BadRow):
            report.bad += 1
            report.bad_reasons.add(row)
            if len(report.bad_rows) < BAD_ROWS_KEPT:
                report.bad_rows.append(row)
        elif isinstance(row, Ignored):
            report.ignored[row.reason] += 1
        elif isinstance(row, Skipped):
            report.skipped.append(str(row))
        else:
            yield row


def import_rows(
    rows: Iterable[HistoryRow],
    producer: EventProducer,
    pace: Pace,
    ledger: ImportLedger,
    on_batch: Callable[[ImportReport], object],
    report: ImportReport,
) -> None:
    """Sends the events that are not in the ledger; records them when they are acknowledged.

    The broker has each portion before the next one is sent: `pace` counts what it acknowledged.
    """
    events = events_of(rows, report)
    while batch := list(islice(events, EVENTS_A_BATCH)):
        unseen = ledger.unseen([event.event_id for event in batch])
        new = [event for event, is_new in zip(batch, unseen, strict=True) if is_new]
        for start in range(0, len(new), EVENTS_AT_ONCE):
            some = new[start : start + EVENTS_AT_ONCE]
            pace.wait(len(some))
            for event in some:
                producer.send(event, pace.acknowledged)
            producer.flush()
        ledger.record([event.event_id for event in new])
        report.sent += len(new)
        report.already_there += len(batch) - len(new)
        on_batch(report)
