"""What the log changes in the history of a person: only what counts, and only of people."""

from streams.folding.row_verdicts import RowVerdicts
from streams.listens.history_changes import changes_of
from streams.listens.listen_history import Erased, Feedback, HistoryChange, Listen, Retracted
from tests.support.learning_log import WINDOW, a_batch, an_event
from topics.learning_log import LogRecord

PEOPLE = {"ann"}


def changes(*records: LogRecord) -> list[HistoryChange]:
    verdicts, found = RowVerdicts(WINDOW), []
    for offset, record in enumerate(records):
        judged = verdicts.note(offset, record)
        found += changes_of(judged, PEOPLE) if judged else []
    return found


def kinds(*records: LogRecord) -> list[type]:
    return [type(each) for each in changes(*records)]


def test_plays_of_people_are_listens_and_those_of_others_are_not() -> None:
    [found] = changes(a_batch(an_event("ann", "t1", 1), an_event("bob", "t1", 2)))
    assert isinstance(found, Listen)
    assert (found.listener_id, found.track_id) == ("ann", "t1")


def test_a_play_that_the_log_has_twice_is_one_listen() -> None:
    event = an_event("ann", "t1", 1)
    assert kinds(a_batch(event), a_batch(event, from_offset=1)) == [Listen]


def test_what_is_taken_back_or_loved_is_a_change_of_its_own() -> None:
    records = a_batch(
        an_event("ann", "t1", 1),
        an_event("ann", "t1", 2, kind="LOVE"),
        an_event("ann", "t1", 3, kind="CLEAR"),
        an_event("ann", "t1", 1, kind="RETRACT", event_id="another"),
        an_event("ann", "t1", 4, kind="NOW_PLAYING"),
        an_event("ann", "t1", 5, kind="DISMISS"),
        an_event("ann", "t1", 6, kind="SKIP"),
    )
    found = changes(records)
    assert [type(each) for each in found] == [Listen, Feedback, Feedback, Retracted]
    assert [each.score for each in found if isinstance(each, Feedback)] == [1, 0]
    [play] = [each for each in found if isinstance(each, Listen)]
    [retracted] = [each for each in found if isinstance(each, Retracted)]
    assert (play.track_id, play.listened_at) == (retracted.track_id, retracted.listened_at)


def test_an_erased_person_loses_everything_at_that_place_of_the_log() -> None:
    before = a_batch(an_event("ann", "t1", 1))
    erasing = a_batch(an_event("ann", None, 5, kind="ERASE"), from_offset=1)
    late = a_batch(an_event("ann", "t2", 2), an_event("ann", "t3", 9), from_offset=2)
    found = changes(before, erasing, late)
    assert [type(each) for each in found] == [Listen, Erased, Listen]
    assert [each.track_id for each in found if isinstance(each, Listen)] == ["t1", "t3"]
