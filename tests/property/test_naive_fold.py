"""The fold and its naive twin end in the same bytes, whatever the log holds."""

import random

import pytest

from online_models.evaluation import drift_watch
from tests.support import naive_fold
from tests.support.drifting import a_break_of_taste
from tests.support.learning_log import SOURCE, a_batch, a_fold, a_history, an_event, batches
from tests.support.naive_fold import NaiveFold
from tests.unit.streams.folding.test_fold_version import a_fixed_log
from topics.control_records import SourceAdded, SourceTruncated
from topics.learning_batch import SourcePartition
from topics.learning_log import LogRecord
from topics.listening_event import EventFields

WINDOW = 64
OTHER = SourcePartition(b"o" * 16, 0)
KINDS = [
    *["LISTEN"] * 12,
    *("NOW_PLAYING", "LOVE", "HATE", "CLEAR", "RETRACT", "ERASE", "KEEP", "DISMISS", "SKIP"),
]


def agree(records: list[LogRecord], window: int, model: str = "popularity") -> NaiveFold:
    naive = NaiveFold({"model": model}, window).fold(records)
    fold = a_fold(model, window)
    fold.apply_many(enumerate(records))
    assert naive.summary() == fold.summary()
    assert naive.digest() == fold.digest()
    return naive


@pytest.mark.parametrize("model", ["popularity", "fast"])
def test_a_log_with_every_kind_of_record_gives_the_same_bytes(model: str) -> None:
    agree(a_fixed_log(), 1024, model)


@pytest.mark.parametrize("seed", range(30))
def test_a_log_made_by_chance_gives_the_same_bytes(seed: int) -> None:
    agree(a_log_by_chance(random.Random(seed)), WINDOW)


def test_a_break_of_taste_gives_the_same_alarms() -> None:
    events = a_break_of_taste(3_000, 1_500)
    records: list[LogRecord] = [SourceAdded(SOURCE.topic_id, "listening-events")]
    naive = agree([*records, *batches(events, 50)], 1024, "fast")
    assert len(naive.hits[0].alarms) == 1


def test_what_the_watch_for_drift_forgets_is_forgotten_by_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drift_watch, "WINDOWS_MAX", 64)
    monkeypatch.setattr(naive_fold, "TENS_MAX", 64)
    records: list[LogRecord] = [SourceAdded(SOURCE.topic_id, "listening-events")]
    naive = agree([*records, *batches(a_break_of_taste(1_500, 750), 50)], 1024)
    assert naive.hits[0].scored > 640
    assert len(naive.hits[0].tens) < 64


def a_log_by_chance(chance: random.Random) -> list[LogRecord]:
    """Repetitions, holes, other borders, poison, two sources of one name, erasures, repeats."""
    records: list[LogRecord] = [SourceAdded(SOURCE.topic_id, "listening-events")]
    told = [an_event_by_chance(chance, at) for at in range(400)]
    at = {SOURCE: 0, OTHER: 0}
    for _ in range(90):
        source = chance.choices([SOURCE, OTHER], weights=[9, 1])[0]
        start = max(0, at[source] + chance.choice([0, 0, 0, 0, -7, -30, 3]))
        size = chance.randrange(0, 12)
        rejected = [(start + size, "malformed")] if chance.random() < 0.2 else []
        rows = [told[each % len(told)] for each in range(start, start + size)]
        end = start + size + len(rejected) - 1 + chance.choice([0, 0, 0, 1])
        if end < start:
            continue
        records.append(
            a_batch(*rows, from_offset=start, to_offset=end, rejected=rejected, source=source)
        )
        if start <= at[source]:
            at[source] = max(at[source], end + 1)
    records.insert(60, SourceTruncated(SOURCE.topic_id, 0, at[SOURCE] // 2))
    records.insert(70, SourceAdded(OTHER.topic_id, "listening-events", adopted=True))
    return records


def an_event_by_chance(chance: random.Random, at: int) -> EventFields:
    kind = chance.choice(KINDS)
    changes = {
        "kind": kind,
        "source": chance.choice(["navidrome", "lastfm"]),
        "ms_played": chance.choice([None, 5_000, 100_000, 400_000]),
        "duration_ms": chance.choice([None, 0, 200_000, 600_000]),
        "reason_end": chance.choice([None, "fwdbtn", "trackdone"]),
        "artist_id": chance.choice([None, "a1", "a2"]),
    }
    if chance.random() < 0.1:
        changes["event_id"] = f"shared-{chance.randrange(4)}"
    track = None if kind in ("ERASE", "CLEAR") else f"t{chance.randrange(12)}"
    minute = chance.choice([at, at, at, at - 50, 0.5 * chance.randrange(2 * at + 1)])
    return an_event(f"l{chance.randrange(5)}", track, minute, **changes)


def test_a_difference_of_one_row_is_seen() -> None:
    events = a_history(50)
    naive = NaiveFold({"model": "popularity"}, WINDOW).fold([a_batch(*events)])
    fold = a_fold(duplicate_window=WINDOW)
    fold.apply(0, a_batch(*events[:-1], to_offset=49))
    assert naive.digest() != fold.digest()
