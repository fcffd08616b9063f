"""An import goes as fast as its events are learnt: a real Kafka, and heartbeats of a fold."""

from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from pathlib import Path

import pytest

from streams.heartbeats.fold_position import Generations
from streams.heartbeats.heartbeat_writer import HeartbeatWriter
from streams.kafka.topic_facts import bounds_of, describe_topic
from streams.producers import import_window
from streams.producers.event_producer import EventProducer
from streams.producers.history_import import ImportReport, import_rows
from streams.producers.import_ledger import ImportLedger
from streams.producers.import_pace import ImportPace
from streams.producers.import_window import WINDOW_MIN
from tests.support.events import a_stream
from tests.support.station import Station, wait_until
from topics.catalogue import LISTENING_EVENTS
from topics.learning_progress import LearningProgress, SourcePosition

EVENTS = 3 * WINDOW_MIN


class AFold:
    """Says how far it is in `listening-events`."""

    def __init__(self, kafka: str) -> None:
        self._kafka, self._writer = kafka, HeartbeatWriter(kafka)
        self.topic = describe_topic(kafka, LISTENING_EVENTS.name)

    def ends(self) -> list[int]:
        """Where each partition ends."""
        partitions = range(self.topic.partitions)
        found = bounds_of(self._kafka, LISTENING_EVENTS.name, partitions, only_readable=True)
        return [found[at].end for at in partitions]

    def beat(self, learnt: list[int]) -> None:
        """One heartbeat: it has learnt this many events of each partition."""
        name, topic_id = LISTENING_EVENTS.name, self.topic.topic_id
        sources = tuple(
            SourcePosition(topic_id, name, True, at, each) for at, each in enumerate(learnt)
        )
        self._writer.write(LearningProgress("a-fold", "first", 1, 0, sources))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not taken for a fold that stands."""
    monkeypatch.setattr(import_window, "SILENCE_S", inf)
    monkeypatch.setattr(import_window, "PATIENCE_S", inf)


def test_an_import_waits_for_the_fold_and_goes_on_with_it(station: Station, tmp_path: Path) -> None:
    kafka, report = station.addresses.kafka, ImportReport()
    fold = AFold(kafka)

    def imported(pace: ImportPace) -> None:
        with ImportLedger(tmp_path / "ledger") as ledger:
            producer = EventProducer(kafka, print)
            import_rows(a_stream(EVENTS), producer, pace, ledger, lambda _: None, report)

    with (
        ImportPace(kafka, fold.topic.topic_id, lambda: Generations("first")) as pace,
        ThreadPoolExecutor(1) as pool,
    ):
        nothing = [0] * fold.topic.partitions

        def is_heard() -> bool:
            fold.beat(nothing)
            return bool(pace._heard)

        def has_ended() -> bool:
            fold.beat(fold.ends())
            return sending.done()

        wait_until(is_heard, bool)
        sending: Future[None] = pool.submit(imported, pace)
        wait_until(lambda: sum(fold.ends()), lambda found: found == WINDOW_MIN)
        for _ in range(3):
            fold.beat(nothing)
        assert sum(fold.ends()) == WINDOW_MIN
        assert not sending.done()
        wait_until(has_ended, bool)
        sending.result()
    assert sum(fold.ends()) == report.sent == EVENTS
