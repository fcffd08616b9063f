"""A store gets what it lacks, and where nobody remembers what that is, everything."""

from streams.lists.frontier import Frontier
from streams.publishing.repairs import REMEMBERED, Repairs


def test_repairs_beyond_what_is_remembered_mean_that_every_list_is_lacking() -> None:
    repairs = Repairs(owner=1)
    for serial in range(REMEMBERED + 2):
        repairs.note(serial, after=50)
    assert [repairs.since(serial) for serial in (0, 1, 2)] == [-1, 50, 50]
    assert repairs.lacking(Frontier(0, 90, serial=0, owner=1)) == -1
    assert repairs.lacking(Frontier(0, 90, serial=1, owner=1)) == 50


def test_who_has_every_repair_lacks_what_changed_since_its_place() -> None:
    repairs = Repairs(owner=1)
    repairs.note(8, after=30)
    assert repairs.since(8) is None
    assert repairs.lacking(Frontier(0, 90, serial=8, owner=1)) == 90
    assert repairs.lacking(Frontier(0, 90, serial=7, owner=1)) == 30


def test_a_store_with_a_publication_in_part_lacks_what_it_lacked_before_it() -> None:
    repairs = Repairs(owner=1)
    before = Frontier(0, 80, serial=7, owner=1)
    in_part = Frontier(0, 90, serial=8, owner=1).reached_in_part(before)
    assert repairs.lacking(in_part) == 80
