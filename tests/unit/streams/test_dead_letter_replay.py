"""Which dead letters are sent again: what the log rejected, what is good now, and each once."""

from typing import Any

from streams.dead_letter_reading import DeadLetter
from streams.dead_letter_replay import Plan, planned
from tests.support.learning_log import BEGAN_MS
from tests.support.records import POISON, a_value
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder

ORIGIN = "listening-events/0/17"
GOOD = a_value(listener_id="ann")


def a_letter(value: bytes | None = GOOD, offset: int = 17) -> DeadLetter:
    headers = {
        "origin_topic": "listening-events",
        "origin_partition": "0",
        "origin_offset": str(offset),
        "reason": "unknown_schema",
    }
    return DeadLetter(headers, value, BEGAN_MS)


def a_plan(*letters: DeadLetter, **changes: Any) -> Plan:
    known: dict[str, Any] = {"rejected": {ORIGIN}, "sent": set()}
    decoder = Decoder(LISTENING_EVENTS.contracts)
    return planned(letters, decoder=decoder, now_ms=BEGAN_MS, **known | changes)


def test_what_the_log_rejected_and_is_good_now_is_sent_with_its_listeners_key() -> None:
    plan = a_plan(a_letter())
    assert [tuple(each) for each in plan.to_send] == [(ORIGIN, b"ann", GOOD)]
    assert plan.as_json()["fates"] == {"sent": 1}


def test_a_letter_that_was_written_twice_is_sent_once() -> None:
    assert len(a_plan(a_letter(), a_letter()).to_send) == 1


def test_what_the_log_does_not_call_rejected_is_not_sent() -> None:
    plan = a_plan(a_letter(), rejected=set())
    assert (plan.to_send, plan.as_json()["fates"]) == ([], {"not_rejected": 1})


def test_what_was_sent_before_is_not_sent_again() -> None:
    plan = a_plan(a_letter(), sent={ORIGIN})
    assert (plan.to_send, plan.as_json()["fates"]) == ([], {"sent_before": 1})


def test_what_does_not_say_when_it_was_would_be_an_event_of_now_and_is_not_sent() -> None:
    plan = a_plan(a_letter(a_value(listened_at=None)))
    assert (plan.to_send, plan.as_json()["fates"]) == ([], {"without_time": 1})


def test_two_letters_of_one_origin_with_other_bytes_are_left_alone() -> None:
    plan = a_plan(a_letter(), a_letter(POISON["truncated"]))
    assert (plan.to_send, plan.as_json()["fates"]) == ([], {"ambiguous": 1})


def test_what_would_be_rejected_again_stays_and_the_reasons_are_counted() -> None:
    letters = [a_letter(value, at) for at, value in enumerate(POISON.values())]
    plan = a_plan(*letters, rejected={each.origin for each in letters})
    assert plan.to_send == []
    assert plan.as_json()["fates"] == {"would_be_rejected": len(POISON)}
    assert sum(plan.reasons.values()) == len(POISON)
