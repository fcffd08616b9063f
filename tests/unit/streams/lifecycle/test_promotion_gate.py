"""What `promote` refuses, what it warns of, and what nothing overrides."""

from typing import Any

import pytest

from streams.lifecycle.promotion_gate import Asks, Gate, gate_of
from tests.support.lifecycle_records import (
    GIB,
    LOG_END,
    STARTED,
    Book,
    a_status,
    compared,
    created,
    moved,
    serves,
)
from topics.lifecycle import JournalRecord


def gate(
    *records: JournalRecord,
    shards: tuple[dict[str, Any], ...] = (a_status(),),
    stable: tuple[dict[str, Any], ...] = (a_status(),),
    name: str = "second",
    log_end: int = LOG_END,
) -> Gate:
    first = [created("first"), moved("first", STARTED), serves("first", -1)]
    book = Book(*first, created("second"), moved("second", STARTED), *records)
    return gate_of(book.lifecycle, (name, "first"), shards, stable, log_end)


def shut(found: Gate, asks: Asks) -> list[str]:
    return [each.name for each in found.shut_by(asks)]


BETTER = compared("second", "first")
WORSE = compared("second", "first", "worse")


def test_a_sound_generation_that_is_better_may_serve_whatever_is_asked() -> None:
    assert shut(gate(BETTER), Asks.ALL) == []


@pytest.mark.parametrize(
    ("verdict", "plain", "strict"),
    [
        ("better", [], []),
        ("no worse", [], []),
        ("worse", ["not worse"], ["not worse"]),
        ("too early", [], ["not worse"]),
        ("too few listeners", [], ["not worse"]),
    ],
)
def test_only_a_worse_generation_is_refused_unless_every_condition_is_asked(
    verdict: str, plain: list[str], strict: list[str]
) -> None:
    found = gate(compared("second", "first", verdict))
    assert (shut(found, Asks.NOT_WORSE), shut(found, Asks.ALL)) == (plain, strict)
    assert shut(found, Asks.HARD) == []


def test_who_was_never_compared_is_promoted_with_the_command_that_compares() -> None:
    found = gate()
    assert shut(found, Asks.NOT_WORSE) == []
    (missing,) = found.shut_by(Asks.ALL)
    assert "`echotune generations compare second first`" in missing.says


@pytest.mark.parametrize(
    "record",
    [
        compared("second", "first", upto_offset=800),  # a fifth of the log came later
        compared("second", "first", log_id="another"),
        compared("first", "second"),  # the other way round
        compared("second", "first", "no worse", low=-0.03, margin=0.5),  # a margin of one's own
    ],
)
def test_a_comparison_of_something_else_does_not_count(record: JournalRecord) -> None:
    assert shut(gate(record), Asks.ALL) == ["not worse"]


def test_a_generation_that_was_worse_is_refused_until_it_is_compared_anew() -> None:
    old = compared("second", "first", "worse", upto_offset=10)
    assert shut(gate(old), Asks.NOT_WORSE) == ["not worse"]
    assert shut(gate(old, BETTER), Asks.NOT_WORSE) == []


@pytest.mark.parametrize(
    ("status", "condition"),
    [
        ({}, "alive"),
        (a_status(waits_for=["a-0of2"]), "alive"),
        (a_status(heard_ms=3_100), "alive"),  # it was killed a moment ago
        (a_status(as_of=900), "caught up"),
        (a_status(publishing=False), "complete"),
    ],
)
def test_nothing_overrides_what_could_leave_a_listener_without_a_list(
    status: dict[str, Any], condition: str
) -> None:
    assert condition in shut(gate(BETTER, shards=(a_status(), status)), Asks.HARD)


def test_a_shard_that_was_heard_within_three_seconds_is_alive() -> None:
    assert shut(gate(BETTER, shards=(a_status(heard_ms=2_900),)), Asks.HARD) == []


def test_shards_whose_states_differ_do_not_serve() -> None:
    shards = tuple(a_status(digest=each, digest_offset=900) for each in "ab")
    assert shut(gate(BETTER, shards=shards), Asks.HARD) == ["equal"]


def test_a_generation_of_another_log_does_not_serve() -> None:
    book = Book(created("first"), moved("first", STARTED), serves("first", -1))
    assert book.append(created("second", log_id="another")) == ""
    found = gate_of(book.lifecycle, ("second", "first"), (a_status(),), (a_status(),), LOG_END)
    assert "same log" in shut(found, Asks.HARD)


@pytest.mark.parametrize(
    ("ours", "theirs", "is_fresh"),
    [(900.0, 10.0, True), (1_500.0, 10.0, False), (1_500.0, 800.0, True), (None, 10.0, True)],
)
def test_a_generation_is_fresh_by_a_second_or_twice_what_the_stable_one_takes(
    ours: float | None, theirs: float, is_fresh: bool
) -> None:
    def aged(p99: float | None) -> tuple[dict[str, Any]]:
        return (a_status(freshness_ms={} if p99 is None else {"p99_recent": p99}),)

    found = gate(BETTER, shards=aged(ours), stable=aged(theirs))
    assert ("fresh" not in shut(found, Asks.ALL)) is is_fresh
    assert shut(found, Asks.NOT_WORSE) == []


@pytest.mark.parametrize("memory", [{"used_bytes": 6 * GIB, "limit_bytes": 8 * GIB}, {}])
def test_a_generation_without_room_to_grow_is_named(memory: dict[str, int]) -> None:
    found = gate(BETTER, shards=(a_status(), a_status(memory=memory)))
    assert shut(found, Asks.ALL) == ["room"]
    assert shut(found, Asks.NOT_WORSE) == []


def test_the_stable_generation_is_not_compared_with_itself() -> None:
    assert shut(gate(name="first"), Asks.ALL) == []


def test_the_evidence_has_every_condition_and_the_comparison() -> None:
    found = gate(WORSE).evidence(asked="hard")
    assert {each["name"] for each in found["conditions"] if not each["ok"]} == {"not worse"}
    assert found["comparison"]["verdict"] == "worse"
    assert (found["p99_ms"], found["asked"]) == (50.0, "hard")
