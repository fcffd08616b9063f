"""How old events are when they can be read, and how old recent ones are."""

import time

from streams.publishing.freshness import RECENT_S, Freshness


def ago_ms(milliseconds: int) -> int:
    return time.time_ns() // 1_000_000 - milliseconds


def test_without_events_there_is_no_age() -> None:
    assert Freshness().percentiles() == {}


def test_what_was_late_once_is_forgotten_by_the_recent_age_only() -> None:
    now = 0.0
    fresh = Freshness(lambda: now)
    fresh.note([ago_ms(60_000)])
    assert fresh.percentiles()["p99_recent"] >= 60_000
    now = RECENT_S + 1
    assert "p99_recent" not in fresh.percentiles()
    fresh.note([ago_ms(10)])
    found = fresh.percentiles()
    assert found["p99_recent"] < 1_000 < found["p99"]
