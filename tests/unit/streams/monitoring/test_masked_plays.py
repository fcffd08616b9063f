"""Plays that do not count are listed with the play that does, and can be kept."""

from typing import Any

from streams.monitoring.masked_plays import MaskedPlay, Wanted, keep_of, masked_plays
from tests.support.learning_log import BEGAN_MS, MINUTE_MS, a_batch, a_fold, an_event
from topics.listening_event import EventFields, EventKind

WINDOW = 1024
ID = "6f1d1f0e-0000-4000-8000-00000000000"
COUNTED = an_event(event_id=f"{ID}1", artist_name="Nina Simone", track_name="Sinnerman")
MASKED = {**COUNTED, "event_id": f"{ID}2", "source": "lastfm", "listened_at": BEGAN_MS + 30_000}
OF_BOB = {"listener_id": "bob"}


def listed(*events: EventFields, **wanted: Any) -> list[MaskedPlay]:
    return masked_plays([(0, a_batch(*events))], WINDOW, Wanted(**wanted))


def test_a_masked_play_is_listed_with_the_play_that_counts() -> None:
    [found] = listed(COUNTED, MASKED)
    assert found.as_json() == {
        "event_id": f"{ID}2",
        "listener_id": "ann",
        "track_id": "t1",
        "artist_name": "Nina Simone",
        "track_name": "Sinnerman",
        "source": "lastfm",
        "listened_at": BEGAN_MS + 30_000,
        "ms_played": None,
        "duration_ms": None,
        "log_offset": 0,
        "masked_by": {
            "event_id": f"{ID}1",
            "source": "navidrome",
            "listened_at": BEGAN_MS,
        },
    }


def test_the_newest_are_listed_last_and_a_limit_leaves_out_the_oldest() -> None:
    pairs = [
        {**event, "listened_at": event["listened_at"] + at * 60 * MINUTE_MS, "event_id": f"{at}{n}"}
        for at in range(5)
        for n, event in enumerate((COUNTED, MASKED, COUNTED | OF_BOB, MASKED | OF_BOB))
    ]
    found = [
        (each.event.listener_id, (int(each.event.listened_at or 0) - BEGAN_MS) // MINUTE_MS // 60)
        for each in listed(*pairs, limit=3)
    ]
    assert found == [("bob", 3), ("ann", 4), ("bob", 4)]
    assert [each.event.listener_id for each in listed(*pairs, listener_id="ann")] == ["ann"] * 5


def test_an_erased_listeners_plays_are_not_listed() -> None:
    erase = an_event(track_id=None, kind="ERASE", minute=10)
    bobs = [each | OF_BOB for each in (COUNTED, MASKED)]
    found = listed(COUNTED, MASKED, *bobs, erase)
    assert [each.event.listener_id for each in found] == ["bob"]


def test_an_id_that_is_no_uuid_names_its_play_as_well() -> None:
    play = {**MASKED, "event_id": "of the player"}
    [found] = listed(COUNTED, play, event_id="of the player")
    assert [found] == listed(COUNTED, play, event_id=found.event.event_id)
    assert listed(COUNTED, play, event_id="another") == []


def test_a_keep_has_the_play_count_and_it_is_listed_no_more() -> None:
    [found] = listed(COUNTED, MASKED)
    keep = keep_of(found)
    assert (keep.kind, keep.event_id) == (EventKind.KEEP, keep_of(found).event_id)
    assert keep.event_id != found.event.event_id
    events = [COUNTED, MASKED, keep.model_dump(mode="json")]
    assert listed(*events) == []
    fold = a_fold()
    fold.apply(0, a_batch(*events, events[-1]))
    assert fold.applied == 2


def test_a_keep_of_another_play_leaves_it_in_the_list() -> None:
    later = {**MASKED, "event_id": f"{ID}3", "source": "rescrobbled"}
    [_, found] = listed(COUNTED, MASKED, later)
    rest = listed(COUNTED, MASKED, later, keep_of(found).model_dump(mode="json"))
    assert [each.event.source for each in rest] == ["lastfm"]
