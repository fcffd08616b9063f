"""The newest play that the status names is of nobody who was erased."""

from streams.monitoring.latest_play import LatestPlay
from tests.support.learning_log import a_batch, an_event


def test_the_newest_play_of_who_is_erased_is_named_no_more() -> None:
    latest = LatestPlay()
    latest.note(a_batch(an_event("ann", "t1", 1)))
    latest.note(a_batch(an_event("bob", None, 2, kind="ERASE"), from_offset=1))
    assert latest.names == {"listener_id": "ann", "track_id": "t1"}
    latest.note(a_batch(an_event("ann", None, 2, kind="ERASE"), from_offset=2))
    assert latest.names == {}
    erasing, again = an_event("ann", None, 3, kind="ERASE"), an_event("ann", "t2", 4)
    latest.note(a_batch(erasing, again, from_offset=3))
    assert latest.names == {"listener_id": "ann", "track_id": "t2"}
