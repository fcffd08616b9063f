"""Drift of a live model: detected by the fold, published once, the same in every replay."""

from structlog.testing import capture_logs

from online_models.evaluation import drift_watch
from streams.folding.fold import Fold
from streams.monitoring.drift_alarms import DriftAlarmPublisher, drift_status, new_alarms
from tests.support.drifting import a_break_of_taste
from tests.support.learning_log import a_fold, batches, folded
from topics.catalogue import MODEL_METRICS
from topics.codecs import Decoder
from topics.drift_alarm import DriftAlarm
from topics.learning_batch import LearningBatch


def a_log(size: int) -> list[LearningBatch]:
    return batches(a_break_of_taste(3_000, 1_500), size)


class Alarms:
    """A sink that keeps its alarms."""

    def __init__(self) -> None:
        self.alarms: list[DriftAlarm] = []

    def write(self, alarm: DriftAlarm) -> None:
        self.alarms.append(alarm)

    def close(self) -> None: ...


def test_a_break_of_taste_raises_one_alarm_soon_after_it() -> None:
    fold = folded(a_fold("fast"), a_log(10))
    (alarm,) = fold.quality.drift.alarms
    assert 300 < alarm.at < 380  # records of ten events, the break at record 300
    assert abs(alarm.since - 3_000) < 100
    assert alarm.before > 0.8 > 0.3 > alarm.after
    assert drift_status(fold.quality.drift) == {"raised": 1, "latest": alarm._asdict()}


def test_together_or_one_by_one_or_from_a_snapshot_the_alarm_is_the_same() -> None:
    log = a_log(10)
    one_by_one, together = folded(a_fold("fast"), log), a_fold("fast")
    together.apply_many(enumerate(log[:303]))
    loaded = a_fold("fast")
    loaded.load(together.summary(), together.state())
    for fold in (together, loaded):
        fold.apply_many((at, record) for at, record in enumerate(log) if at >= 303)
        assert fold.digest() == one_by_one.digest()
        assert fold.quality.drift.alarms == one_by_one.quality.drift.alarms


def publish_all(publisher: DriftAlarmPublisher, fold: Fold, log: list[LearningBatch]) -> None:
    for record in log:
        fold.apply(fold.offset + 1, record)
        publisher.publish_new(fold)


def test_an_alarm_is_published_once_with_its_log_offset() -> None:
    sink, fold = Alarms(), a_fold("fast")
    publisher = DriftAlarmPublisher("first", sink)
    publisher.begin(fold)
    with capture_logs() as lines:
        publish_all(publisher, fold, a_log(10))
    (alarm,) = sink.alarms
    assert (alarm.generation, alarm.as_of) == ("first", fold.quality.drift.alarms[0].at)
    assert [line["as_of"] for line in lines] == [alarm.as_of]
    assert Decoder(MODEL_METRICS.contracts).decode(alarm.encoded()) == (
        "DriftAlarm",
        vars(alarm),
    )


def test_alarms_of_the_state_that_was_loaded_are_not_published_again() -> None:
    log = a_log(10)
    fold = folded(a_fold("fast"), log)
    sink = Alarms()
    publisher = DriftAlarmPublisher("first", sink)
    publisher.begin(fold)
    publisher.publish_new(fold)
    assert sink.alarms == []
    assert len(new_alarms("first", 0, fold.quality.drift, 0)) == 1
    assert new_alarms("first", 0, fold.quality.drift, 1) == []


def test_of_more_alarms_than_are_kept_the_newest_are_published() -> None:
    watch = drift_watch.DriftWatch()
    watch.alarms = [
        drift_watch.Alarm(at, at, at, 0.5, 0.4) for at in range(drift_watch.ALARMS_KEPT)
    ]
    watch.raised = drift_watch.ALARMS_KEPT + 100
    assert len(new_alarms("first", 0, watch, 10)) == drift_watch.ALARMS_KEPT
    assert [alarm.as_of for alarm in new_alarms("first", 0, watch, watch.raised - 2)] == [62, 63]
