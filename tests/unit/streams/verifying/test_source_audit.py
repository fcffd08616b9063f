"""The source beside the log: what is missing, what is changed, what was not kept."""

from streams.dead_letters.dead_letter_reader import DeadLetter
from streams.dead_letters.letter_index import LetterIndex
from streams.folding.log_account import Counted
from streams.verifying.source_audit import compared, missing_letters
from tests.support.learning_log import a_batch, an_event
from tests.support.records import POISON, ARecord, a_value
from tests.support.registered import a_contract, written
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder, SchemaLookup
from topics.registered_schemas import writer_schema
from topics.schemas import released

GOOD = [{"track_id": f"t{at}", "minute": 4.0 * at} for at in range(3)]
POISONED = 3


def counted(first_new: int = 0, events: int = 3, **changes: object) -> Counted:
    batch = a_batch(
        *(an_event(**each) for each in GOOD[:events]),
        to_offset=POISONED,
        rejected=[(POISONED, "bad_magic")],
        **changes,
    )
    return Counted(7, "listening-events", batch, first_new)


def source() -> list[ARecord]:
    good = [ARecord(at, a_value(**each)) for at, each in enumerate(GOOD)]
    return [*good, ARecord(POISONED, POISON["bad_magic"])]


def differences(
    batch: Counted, records: list[ARecord], schemas: SchemaLookup = released
) -> list[str]:
    decoder = Decoder(LISTENING_EVENTS.contracts, schemas)
    return [f"{each.where}: {each.what}" for each in compared(batch, records, decoder)]


def test_a_batch_of_what_the_source_holds_has_no_difference() -> None:
    assert differences(counted(), source()) == []
    assert differences(counted(first_new=2), source()[2:]) == []


def test_an_event_that_is_covered_but_not_in_the_log_is_named() -> None:
    [found] = differences(counted(events=2), source())
    assert found.startswith("listening-events/0/2: covered by the log, which does not hold it")


def test_a_row_that_the_source_does_not_hold_is_named() -> None:
    [found] = differences(counted(), [*source()[:1], *source()[2:]])
    assert found.startswith("listening-events/0/1: in the log, though the source does not hold it")


def test_a_row_with_another_content_is_named() -> None:
    changed = source()
    changed[1] = ARecord(1, a_value(track_id="another", minute=4.0))
    [found] = differences(counted(), changed)
    assert found.startswith("listening-events/0/1: the source holds")


def test_a_good_event_that_was_rejected_is_named() -> None:
    changed = source()
    changed[POISONED] = ARecord(POISONED, a_value(minute=99))
    assert len(differences(counted(), changed)) == 1


def test_an_event_whose_schema_was_registered_after_its_rejection_stays_rejected() -> None:
    batch = a_batch(to_offset=0, rejected=[(0, "unknown_schema")])
    late = [ARecord(0, written(7, a_contract()))]
    found = Counted(7, "listening-events", batch, 0)
    assert differences(found, late, lambda id_: writer_schema(id_, a_contract())) == []
    [told] = differences(found, [ARecord(0, a_value())])
    assert told.startswith("listening-events/0/0: the source holds")


def missing(records: list[ARecord], *kept: bytes | None) -> list[tuple[str, str]]:
    """What is said of the letters where those of the rejected record hold `kept`."""
    origin = {"topic": "listening-events", "partition": "0", "offset": str(POISONED)}
    headers = {f"origin_{part}": value for part, value in origin.items()}
    letters = LetterIndex(DeadLetter(headers, each, 0) for each in kept)
    found = missing_letters(counted(), records, letters.keeps)
    return [(each.where, each.what) for each in found]


def test_a_rejection_needs_a_letter_with_the_same_bytes() -> None:
    place, poison = f"listening-events/0/{POISONED}", POISON["bad_magic"]
    assert missing(source(), poison) == []
    assert missing(source(), poison, poison) == []
    assert missing(source()) == [(place, "rejected as bad_magic, but no dead letter")]
    for other in (b"other", b"", None):
        assert missing(source(), other) == [
            (place, "the dead letter has other bytes than the source")
        ]


def test_what_the_source_has_forgotten_needs_a_letter_whatever_it_holds() -> None:
    assert missing([], b"other") == []
    assert len(missing([])) == 1


def test_two_letters_of_one_origin_with_other_bytes_may_hold_any() -> None:
    assert missing(source(), b"other", POISON["bad_magic"]) == []
