"""A store gets what it lacks, and where nobody remembers what that is, everything."""

from streams.folding.log_position import LogPosition
from streams.lists.frontier import Frontier
from streams.publishing.publication_sequence import REPAIRS_MAX, PublicationSequence

HERE = LogPosition(0, 90)


def a_sequence(serial: int = 7) -> PublicationSequence:
    return PublicationSequence(owner=1, made_by="best", serial=serial)


def test_publications_are_counted_and_say_whose_they_are() -> None:
    sequence = a_sequence()
    first, second = (sequence.next(HERE, agreed=5, repairs_after=None) for _ in range(2))
    assert [first.serial, second.serial] == [8, 9]
    assert (first.owner, first.agreed, first.made_by) == (1, 5, "best")
    assert first.missing_after is None


def test_a_repair_is_named_until_both_stores_are_known_to_have_it() -> None:
    sequence = a_sequence()
    repair = sequence.next(HERE, agreed=5, repairs_after=30)
    assert repair.missing_after == 30
    assert sequence.next(HERE, agreed=7, repairs_after=None).missing_after == 30
    assert sequence.next(HERE, agreed=repair.serial, repairs_after=None).missing_after is None


def test_a_store_lacks_what_changed_since_its_place_and_every_repair_after_it() -> None:
    sequence = a_sequence()
    repair = sequence.next(HERE, agreed=5, repairs_after=30)
    assert sequence.missing_after(repair) == 90
    assert sequence.missing_after(repair._replace(serial=7)) == 30


def test_a_store_of_another_owner_lacks_everything() -> None:
    assert a_sequence().missing_after(Frontier(0, 90, serial=7, owner=2)) == -1


def test_a_store_behind_more_repairs_than_are_remembered_lacks_everything() -> None:
    sequence = a_sequence(serial=-1)
    for _ in range(REPAIRS_MAX + 2):
        sequence.next(HERE, agreed=REPAIRS_MAX, repairs_after=50)
    assert sequence.missing_after(Frontier(0, 90, serial=0, owner=1)) == -1
    assert sequence.missing_after(Frontier(0, 90, serial=1, owner=1)) == 50


def test_a_store_with_a_part_of_a_publication_lacks_what_it_lacked_before_it() -> None:
    before = Frontier(0, 80, serial=7, owner=1)
    in_part = Frontier(0, 90, serial=8, owner=1).reached_in_part(before)
    assert a_sequence().missing_after(in_part) == 80
