"""The autopilot's next step, from the journal, the statuses and the comparison alone."""

from collections.abc import Sequence
from typing import Any

import pytest

from streams.lifecycle.autopilot import (
    LATE_LOOKS,
    LATE_MS,
    LOOKS,
    SHUT_S,
    UNHEARD_S,
    Act,
    Health,
    Step,
    View,
    generations_seen,
    late_above_ms,
    next_step,
)
from tests.support.lifecycle_records import (
    LOG_END,
    STARTED,
    STOPPED,
    Book,
    a_status,
    armed,
    compared,
    created,
    moved,
    serves,
)
from topics.lifecycle import JournalRecord, ServingCause, ServingChanged, decode_journal_record
from topics.lifecycle import encode_journal_record as encoded

DWELL_S = 600
AN_HOUR = 3_600_000
SOUND = Health((a_status(),))
BETTER = compared("second", "first")


class Pilot:
    """A journal with an armed generation, and the autopilot that acts on it."""

    def __init__(self, *records: JournalRecord) -> None:
        first = [created("first"), moved("first", STARTED), serves("first", -1)]
        self.book = Book(*first, created("second"), moved("second", STARTED), *records)
        self.healths = {"first": SOUND, "second": SOUND}
        self.now_ms = AN_HOUR
        self.log_end = LOG_END

    def step(self, name: str = "second") -> Step:
        view = View(self.book.lifecycle, self.healths, self.log_end, self.now_ms)
        return next_step(view, name)

    def take(self) -> Step:
        """Takes the next step, and lets no time pass."""
        step = self.step()
        if step.act is Act.CHANGE:
            lifecycle = self.book.lifecycle
            change = serves(expected=lifecycle.plan.version, automatic=True, **step.plan)
            assert self.book.append(change) == ""
            lifecycle.plan_at_ms = self.now_ms
        return step

    def compare(self, verdict: str) -> None:
        """A comparison is recorded now."""
        assert self.book.append(compared("second", "first", verdict)) == ""
        known = self.book.lifecycle.comparisons
        self.now_ms += 1
        known["second", "first"] = known["second", "first"]._replace(at_ms=self.now_ms)

    def pass_s(self, seconds: float) -> None:
        self.now_ms += round(1_000 * seconds)

    @property
    def served(self) -> tuple[str, str | None, int]:
        plan = self.book.lifecycle.plan
        return plan.stable, plan.canary, plan.share


def looked(statuses: Sequence[dict[str, Any]], seconds: int, log_end: int = LOG_END) -> Health:
    """The health after a look a second with these statuses."""
    health = Health()
    for now in range(seconds + 1):
        health = health.seen(float(now), statuses, log_end)
    return health


def test_nothing_is_looked_at_while_nothing_is_armed() -> None:
    assert generations_seen(Pilot().book.lifecycle) == set()
    assert generations_seen(Pilot(armed("second")).book.lifecycle) == {"first", "second"}


def test_it_goes_through_its_steps_with_a_pause_after_each_and_promotes() -> None:
    pilot = Pilot(armed("second", 100, 5_000, dwell_s=DWELL_S), BETTER)
    served = []
    for _ in range(3):
        assert pilot.take().act is Act.CHANGE
        served.append(pilot.served)
        pilot.pass_s(DWELL_S - 1)
        assert pilot.take().act is Act.WAIT
        pilot.pass_s(1)
    assert served == [("first", "second", 100), ("first", "second", 5_000), ("second", None, 0)]
    assert pilot.take().says == "it serves, and is watched"
    assert pilot.served == ("second", None, 0)


def test_without_a_comparison_it_asks_for_one_and_waits() -> None:
    pilot = Pilot(armed("second", 100))
    step = pilot.take()
    assert (step.act, step.other) == (Act.COMPARE, "first")


def test_a_comparison_is_repeated_when_the_log_has_grown_but_not_before_the_pause_is_over() -> None:
    pilot = Pilot(armed("second", 100, dwell_s=DWELL_S), BETTER)
    at_ms = pilot.book.lifecycle.comparisons["second", "first"].at_ms
    pilot.log_end = 2 * LOG_END
    pilot.healths = {name: Health((a_status(as_of=1_999),)) for name in pilot.healths}
    pilot.now_ms = at_ms + 1_000 * DWELL_S - 1
    pilot.book.lifecycle.plan_at_ms = 0
    assert pilot.step().act is Act.WAIT
    pilot.now_ms += 1
    assert pilot.step().act is Act.COMPARE


@pytest.mark.parametrize("verdict", ["too early", "too few listeners", "worse"])
def test_it_waits_for_a_verdict_that_a_person_need_not_wait_for(verdict: str) -> None:
    pilot = Pilot(armed("second", 100), compared("second", "first", verdict))
    step = pilot.take()
    assert (step.act, step.says) == (Act.WAIT, "waits for: not worse")


def test_it_waits_while_any_condition_of_the_gate_does_not_hold() -> None:
    pilot = Pilot(armed("second", 100), BETTER)
    pilot.healths["second"] = Health((a_status(publishing=False),))
    assert pilot.take().says == "waits for: complete"


def test_it_leaves_the_canary_of_somebody_else_alone() -> None:
    third = [created("third"), moved("third", STARTED)]
    canary = serves("first", 2, canary="third", share=500)
    pilot = Pilot(armed("second", 100), BETTER, *third, canary)
    assert pilot.take().says == "third is the canary"


BROKEN = {
    "not heard": looked([{}], int(UNHEARD_S)),
    "one shard not heard": looked([a_status(), {}], int(UNHEARD_S)),
    "publishes nothing": looked([a_status(publishing=False)], int(SHUT_S)),
    "late": looked(
        [a_status(as_of=LOG_END, freshness_ms={"p99_recent": 9_000.0})], LOOKS, LOG_END + 600
    ),
}
SOUND_ENOUGH = {
    "not heard for a moment": looked([{}], int(UNHEARD_S) - 1),
    "shut for a moment": looked([a_status(publishing=False)], int(SHUT_S) - 1),
    "behind, but fresh": looked([a_status()], LOOKS, LOG_END + 600),
    "slow, but not behind": looked([a_status(freshness_ms={"p99_recent": 9_000.0})], LOOKS),
    "late a few times": looked(
        [a_status(freshness_ms={"p99_recent": 9_000.0})], LATE_LOOKS - 2, LOG_END + 600
    ),
}


@pytest.mark.parametrize("health", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("steps", [(), (100,)], ids=["promoted", "canary"])
def test_what_is_broken_or_stale_is_rolled_back_at_once(
    health: Health, steps: tuple[int, ...]
) -> None:
    pilot = Pilot(armed("second", *steps), BETTER)
    pilot.take()
    assert "second" in pilot.served
    pilot.healths["second"] = health
    assert pilot.take().plan["cause"] is ServingCause.ROLLED_BACK
    assert pilot.served == ("first", None, 0)


@pytest.mark.parametrize("health", SOUND_ENOUGH.values(), ids=SOUND_ENOUGH)
def test_a_moment_of_weakness_rolls_nothing_back(health: Health) -> None:
    pilot = Pilot(armed("second"), BETTER)
    pilot.take()
    pilot.healths["second"] = health
    assert pilot.take().act is not Act.CHANGE


@pytest.mark.parametrize("steps", [(), (100,)], ids=["promoted", "canary"])
def test_what_turned_out_to_be_worse_is_rolled_back(steps: tuple[int, ...]) -> None:
    pilot = Pilot(armed("second", *steps), BETTER)
    pilot.take()
    pilot.compare("worse")
    assert "worse than first" in pilot.take().says
    assert pilot.served == ("first", None, 0)


def test_whom_a_person_promoted_although_it_was_known_to_be_worse_stays() -> None:
    pilot = Pilot(armed("second"), compared("second", "first", "worse"))
    assert pilot.book.append(serves("second", 2)) == ""
    assert pilot.take().act is not Act.CHANGE
    pilot.compare("worse")
    assert pilot.take().plan["cause"] is ServingCause.ROLLED_BACK


@pytest.mark.parametrize(
    ("evidence", "above_ms"),
    [
        ('{"p99_ms": 900.0}', 3_600.0),
        ('{"p99_ms": 10.0}', LATE_MS),
        ("{}", LATE_MS),
        ("[]", LATE_MS),
    ],
)
def test_what_was_slow_when_it_was_promoted_is_late_only_when_it_is_much_slower(
    evidence: str, above_ms: float
) -> None:
    pilot = Pilot(serves("second", 2, evidence=evidence))
    assert late_above_ms(pilot.book.lifecycle) == above_ms
    slow = [a_status(freshness_ms={"p99_recent": above_ms - 1.0})]
    assert not any(Health().seen(0.0, slow, LOG_END + 600, above_ms).late)
    slow = [a_status(freshness_ms={"p99_recent": above_ms + 1.0})]
    assert all(Health().seen(0.0, slow, LOG_END + 600, above_ms).late)


UNSOUND = {
    "not heard": Health(({},)),
    "behind": Health((a_status(as_of=100),)),
    "shut": Health((a_status(publishing=False),)),
    "not fresh": Health((a_status(freshness_ms={"p99_recent": 5_000.0}),)),
    "not looked at": Health(),
}


@pytest.mark.parametrize("before", UNSOUND.values(), ids=UNSOUND)
def test_it_rolls_back_only_to_a_generation_that_is_sound_itself(before: Health) -> None:
    pilot = Pilot(armed("second"), BETTER)
    pilot.take()
    pilot.healths = {"second": BROKEN["not heard"], "first": before}
    step = pilot.take()
    assert step.act is Act.WAIT
    assert "but first is not" in step.says
    assert pilot.served[0] == "second"


def test_after_a_rollback_only_a_person_begins_again() -> None:
    """A model that is better and worse by the hour switches once."""
    pilot = Pilot(armed("second"), BETTER)
    switches = 0
    for hour in range(1, 10):
        pilot.compare("worse" if hour % 2 == 0 else "better")
        if "second" in pilot.book.lifecycle.autopilots:
            switches += pilot.take().act is Act.CHANGE
        pilot.pass_s(3_600)
    assert switches == 2  # there and back
    assert pilot.book.lifecycle.autopilots == {}
    assert pilot.book.append(armed("second")) == ""
    assert pilot.take().act is Act.CHANGE


def test_a_rollback_is_never_rolled_back_although_the_former_one_breaks() -> None:
    pilot = Pilot(armed("second"), BETTER)
    pilot.take()
    pilot.healths["second"] = BROKEN["not heard"]
    pilot.take()
    pilot.healths = {"first": BROKEN["not heard"], "second": SOUND}
    assert pilot.book.lifecycle.autopilots == {}
    assert pilot.served[0] == "first"


DISARMING: dict[str, list[JournalRecord]] = {
    "a person": [armed("second", is_armed=False)],
    "a stop": [moved("second", STOPPED)],
    "a rollback by a person": [serves("second", 2), serves("first", 6)],
    "the end of its canary": [serves("first", 2, canary="second", share=9), serves("first", 6)],
}


@pytest.mark.parametrize("records", DISARMING.values(), ids=DISARMING)
def test_it_ends_with(records: list[JournalRecord]) -> None:
    pilot = Pilot(armed("second"))
    assert "second" in pilot.book.lifecycle.autopilots
    for each in records:
        assert pilot.book.append(each) == ""
    assert pilot.book.lifecycle.autopilots == {}


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (armed("third"), "there is no generation third"),
        (armed("second", 500, 100), "do not rise"),
        (armed("second", 10_000), "do not rise"),
        (armed("second", dwell_s=0), "no time"),
        (compared("second", "third"), "there is no generation third"),
    ],
)
def test_what_cannot_be_is_void(record: JournalRecord, why: str) -> None:
    assert why in Pilot().book.append(record)


@pytest.mark.parametrize("record", [armed("second", 100, 5_000), BETTER])
def test_a_record_survives_the_wire(record: JournalRecord) -> None:
    assert decode_journal_record(encoded(record), 0) == record


def test_the_evidence_of_a_step_is_in_the_journal() -> None:
    pilot = Pilot(armed("second"), BETTER)
    pilot.take()
    (*_, entry) = pilot.book.lifecycle.history
    assert isinstance(entry.record, ServingChanged)
    assert entry.record.automatic
    assert '"verdict":"better"' in entry.record.evidence
