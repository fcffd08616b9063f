"""Which dead letters are sent again: what the log rejected, what is good now, and each once."""

import tracemalloc
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from streams.dead_letters.dead_letter_reader import DeadLetter
from streams.dead_letters.letter_index import Known, LetterIndex, parsed_origin
from streams.dead_letters.resending import DeadLetterReplay, Replayed
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


def a_replay(
    letters: Callable[[], Iterable[DeadLetter]], rejected: Iterable[str], sent: Iterable[str]
) -> DeadLetterReplay:
    replay = DeadLetterReplay(letters, Decoder(LISTENING_EVENTS.contracts), BEGAN_MS)
    replay.index.mark(filter(None, map(parsed_origin, rejected)), Known.REJECTED)
    replay.index.mark(filter(None, map(parsed_origin, sent)), Known.SENT)
    return replay


def replayed(
    *letters: DeadLetter, rejected: Iterable[str] = (ORIGIN,), sent: Iterable[str] = ()
) -> tuple[list[Replayed], dict[str, Any]]:
    """What is sent, and the plan."""
    replay = a_replay(lambda: letters, rejected, sent)
    plan = replay.plan().as_json()
    return [*replay.records()], plan


def test_what_the_log_rejected_and_is_good_now_is_sent_with_its_listeners_key() -> None:
    to_send, plan = replayed(a_letter())
    assert [tuple(each) for each in to_send] == [(ORIGIN, b"ann", GOOD, {})]
    assert plan["fates"] == {"sent": 1}


def test_what_names_its_schema_in_a_header_is_sent_with_that_header() -> None:
    named = GOOD[:5]
    letter = a_letter(GOOD[5:])
    letter.headers["origin_schema_header"] = named.hex()
    [to_send], _ = replayed(letter)
    assert (to_send.value, to_send.headers) == (GOOD[5:], {"__value_schema_id": named})


def test_a_letter_that_was_cut_is_not_sent_and_its_record_is_known_by_its_hash() -> None:
    whole = b"x" * 100_000
    letter = a_letter(whole[:100])
    letter.headers.update(cut="true", original_sha256=sha256(whole).hexdigest())
    to_send, plan = replayed(letter)
    assert (to_send, plan["fates"]) == ([], {"cut": 1})
    origin = ("listening-events", 0, 17)
    kept = [LetterIndex([letter]).keeps(origin, each) for each in (whole, whole[:100], None)]
    assert kept == [True, False, False]


def test_a_letter_that_was_written_twice_is_sent_once() -> None:
    to_send, plan = replayed(a_letter(), a_letter())
    assert (len(to_send), plan["fates"]) == (1, {"sent": 1})


def test_what_the_log_does_not_call_rejected_is_not_sent() -> None:
    to_send, plan = replayed(a_letter(), rejected=())
    assert (to_send, plan["fates"]) == ([], {"not_rejected": 1})


def test_what_was_sent_before_is_not_sent_again() -> None:
    to_send, plan = replayed(a_letter(), sent=[ORIGIN])
    assert (to_send, plan["fates"]) == ([], {"sent_before": 1})


def test_what_does_not_say_when_it_was_would_be_an_event_of_now_and_is_not_sent() -> None:
    to_send, plan = replayed(a_letter(a_value(listened_at=None)))
    assert (to_send, plan["fates"]) == ([], {"without_time": 1})


def test_two_letters_of_one_origin_with_other_bytes_are_left_alone() -> None:
    to_send, plan = replayed(a_letter(), a_letter(POISON["truncated"]))
    assert (to_send, plan["fates"]) == ([], {"ambiguous": 1})


def test_what_would_be_rejected_again_stays_and_the_reasons_are_counted() -> None:
    letters = [a_letter(value, at) for at, value in enumerate(POISON.values())]
    to_send, plan = replayed(*letters, rejected=[each.origin for each in letters])
    assert to_send == []
    assert plan["fates"] == {"would_be_rejected": len(POISON)}
    assert sum(plan["would_be_rejected"].values()) == len(POISON)


def test_a_letter_that_names_no_origin_is_nobodys_and_disturbs_nothing() -> None:
    strange = [DeadLetter({"origin_offset": each}, GOOD, 0) for each in ("-1", "x", "9" * 19, "٣")]
    to_send, plan = replayed(*strange, a_letter())
    assert (len(to_send), plan["fates"]) == (1, {"not_rejected": 4, "sent": 1})


def test_what_came_after_the_look_is_not_sent() -> None:
    letters = [a_letter()]
    replay = a_replay(lambda: letters, [ORIGIN, "listening-events/0/18"], [])
    assert replay.plan().as_json()["fates"] == {"sent": 1}
    letters[:] = [a_letter(POISON["truncated"]), a_letter(offset=18)]
    assert [*replay.records()] == []


def test_the_oldest_record_says_from_when_on_to_look_for_what_was_sent() -> None:
    told = [{"origin_timestamp": at} for at in ("30", "20", "40")]
    letters = [DeadLetter({**a_letter().headers, **each}, GOOD, 0) for each in told]
    assert LetterIndex(letters).since_ms == 20
    assert LetterIndex([*letters, a_letter(), letters[0]]).since_ms == 0
    assert LetterIndex([]).since_ms is None


def test_letters_are_planned_and_sent_without_ever_being_held_all_at_once() -> None:
    """200 letters of 100 kB, of which every second one is sent, are 20 MB."""
    good, bad = a_value(), b"\x00" * 100_000

    def letters() -> Iterable[DeadLetter]:
        for at in range(200):
            headers = a_letter(offset=at).headers | {"error": "x" * (100_000 + at)}
            yield DeadLetter(headers, good if at % 2 else bad, BEGAN_MS)

    tracemalloc.start()
    try:
        replay = a_replay(letters, (f"listening-events/0/{at}" for at in range(200)), [])
        assert replay.plan().as_json()["fates"] == {"sent": 100, "would_be_rejected": 100}
        assert sum(1 for _ in replay.records()) == 100
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 5_000_000
