"""Which records of the journal are valid, and what follows from them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.lifecycle.lifecycle import Role
from streams.lists.serving_plan import Plan
from tests.support.lifecycle_records import (
    QUIET,
    RETIRED,
    RETIRING,
    STARTED,
    STOPPED,
    Book,
    created,
    moved,
    serves,
)
from topics.lifecycle import (
    GenerationState,
    JournalRecord,
    ServingCause,
    ServingChanged,
    decode_journal_record,
    encode_journal_record,
)


@pytest.fixture
def book() -> Book:
    """`first` serves by record 2; `second` is started."""
    first = [created("first"), moved("first", STARTED), serves("first", -1)]
    return Book(*first, created("second"), moved("second", STARTED))


def test_the_first_generation_serves_and_another_one_is_started_beside_it(book: Book) -> None:
    plan = book.lifecycle.plan
    assert (plan.version, plan.stable, plan.canary) == (2, "first", None)
    assert book.lifecycle.role_of("first") is Role.STABLE
    assert book.lifecycle.role_of("second") is Role.STARTED
    assert book.lifecycle.role_of("unknown") is Role.PARKED


def test_of_two_operators_who_knew_the_same_plan_the_first_one_is_valid(book: Book) -> None:
    assert book.append(serves("second", 2)) == ""
    assert book.append(serves("first", 2)) == "the plan was changed in the meantime"
    assert book.lifecycle.plan.stable == "second"
    assert [each.void for each in book.lifecycle.history[-2:]] == [
        "",
        "the plan was changed in the meantime",
    ]


def test_an_operation_that_was_sent_twice_takes_effect_once(book: Book) -> None:
    once = moved("second", QUIET)
    assert book.append(once) == ""
    assert book.append(moved("second", STARTED)) == ""
    assert book.append(once) == "its operation was recorded before"
    assert book.lifecycle.role_of("second") is Role.STARTED


def test_a_void_record_changes_nothing_and_may_be_sent_again(book: Book) -> None:
    again = serves("second", 1)
    assert book.append(again)
    assert book.lifecycle.plan.version == 2
    assert book.append(serves("second", 2, operation_id=again.operation_id)) == ""


def test_a_canary_serves_a_share_until_it_is_promoted_or_ended(book: Book) -> None:
    assert book.append(serves("first", 2, canary="second", share=500)) == ""
    assert book.lifecycle.role_of("second") is Role.CANARY
    assert book.append(moved("second", STOPPED)) == "second serves listeners"
    assert book.append(serves("second", 5)) == ""
    assert book.lifecycle.role_of("first") is Role.STARTED
    assert book.lifecycle.stable_before() == "first"


def test_rollbacks_undo_promotions_one_after_another(book: Book) -> None:
    assert book.append(created("third")) == ""
    assert book.append(moved("third", STARTED)) == ""
    for stable in ("second", "third"):
        assert book.append(serves(stable, book.lifecycle.plan.version)) == ""
    for before in ("second", "first"):
        assert book.lifecycle.stable_before() == before
        undone = serves(before, book.lifecycle.plan.version, cause=ServingCause.ROLLED_BACK)
        assert book.append(undone) == ""
    assert book.lifecycle.stable_before() is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"stable": "nobody"}, "there is no generation nobody"),
        ({"canary": "first", "share": 1}, "the canary is the stable generation"),
        ({"canary": "second"}, "a share belongs to a canary"),
        ({"share": 5}, "a share belongs to a canary"),
        ({"canary": "second", "share": 10_001}, "a share belongs to a canary"),
        ({"cause": ServingCause.UNKNOWN}, "it does not say why"),
    ],
)
def test_a_plan_that_cannot_be_is_void(book: Book, change: dict[str, Any], why: str) -> None:
    fields = {"stable": "first", "expected": 2} | change
    assert why in book.append(serves(**fields))


def test_who_is_not_started_cannot_serve(book: Book) -> None:
    book.append(moved("second", QUIET))
    assert book.append(serves("second", 2)) == "second is not started"


def test_the_stable_generation_is_only_scaled(book: Book) -> None:
    assert book.append(moved("first", STOPPED)) == "first serves listeners"
    assert book.append(moved("first", STARTED, shards=3)) == ""
    assert book.lifecycle.generations["first"].shards == 3


def test_a_retired_generation_never_comes_back_and_neither_does_its_name(book: Book) -> None:
    assert book.append(moved("second", RETIRED)) == "second is started"
    assert book.append(moved("second", RETIRING)) == ""
    assert book.append(moved("second", STARTED)) == "second is retiring"
    assert book.append(moved("second", RETIRED)) == ""
    assert book.append(moved("second", STARTED)) == "second is retired"
    assert "names are used once" in book.append(created("second"))
    assert book.lifecycle.role_of("second") is Role.PARKED


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a" * 64, "active", "a-0of1", "ä"])
def test_a_name_that_is_no_name_is_void(name: str) -> None:
    assert Book().append(created(name))


@pytest.mark.parametrize(
    "wrong",
    [{"settings": "not json"}, {"settings": "[]"}, {"shards": 0}, {"shards": 2**31 - 1}],
    ids=str,
)
def test_a_generation_whose_settings_or_shards_nobody_can_use_is_void(
    wrong: dict[str, Any],
) -> None:
    book = Book()
    assert book.append(created("second", **wrong))
    assert book.append(moved("second", STARTED)) == "there is no generation second"


@pytest.mark.parametrize(
    "record",
    [
        created("first", like="other", shards=3, log_id="x", fold_id="y"),
        moved("first", RETIRED, shards=2),
        serves("first", 7, canary="second", share=5, automatic=True, evidence='{"a":1}'),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_is_read_as_it_was_written(record: JournalRecord) -> None:
    assert decode_journal_record(encode_journal_record(record), 3) == record


def test_what_nothing_of_echotune_wrote_is_no_record() -> None:
    assert decode_journal_record(b"hello", 0) is None
    assert decode_journal_record(None, 0) is None


NAMES = st.sampled_from(["a", "b", "c"])
RECORDS = st.one_of(
    st.builds(created, NAMES),
    st.builds(moved, NAMES, st.sampled_from(GenerationState)),
    st.builds(
        serves,
        NAMES,
        st.integers(-1, 12),
        canary=st.none() | NAMES,
        share=st.sampled_from([0, 1, 10_000]),
    ),
)


@given(st.lists(RECORDS, max_size=40))
def test_whoever_serves_is_started_and_the_plan_is_the_newest_valid_record(
    records: list[JournalRecord],
) -> None:
    book = Book()
    for each in records:
        book.append(each)
    lifecycle = book.lifecycle
    valid = [
        each
        for each in lifecycle.history
        if not each.void and isinstance(each.record, ServingChanged)
    ]
    assert lifecycle.plan.version == (valid[-1].offset if valid else -1)
    assert [each.record.expected for each in valid] == [
        -1,
        *(each.offset for each in valid[:-1]),
    ][: len(valid)]
    for name in filter(None, [lifecycle.plan.stable, lifecycle.plan.canary]):
        assert lifecycle.generations[name].state is STARTED
    assert (lifecycle.plan == Plan()) == lifecycle.is_empty


def test_a_generation_that_ends_at_an_offset_never_serves(book: Book) -> None:
    assert book.append(created("then", settings='{"learn_until":7}')) == ""
    assert book.append(moved("then", STARTED)) == ""
    ends = "then learns nothing after log offset 7"
    assert book.append(serves("then", 2)) == ends
    assert book.append(serves("first", 2, canary="then", share=5)) == ends
