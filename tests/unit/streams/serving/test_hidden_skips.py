"""What scrobblers say to play now shows skips, weakly: only what cannot have counted is one."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.serving.hidden_skips import (
    FORGOTTEN_MS,
    WAITS_MS,
    event_of_skip,
    hidden_skips,
    now_report,
)
from streams.serving.playback import Report
from streams.serving.services import Services
from streams.serving.skip_settler import note_playing_now
from streams.serving.submissions import Listen
from topics.identity import track_id_of
from topics.listening_event import EventKind

START_MS = 1_700_000_000_000
LENGTH_MS = 200_000


def playing(title: str, *, client: str = "player", duration_ms: int | None = LENGTH_MS) -> Listen:
    return Listen("Can", title, None, None, duration_ms, None, None, client, "")


def said(title: str, at_s: float, **more: Any) -> Report:
    """What a client says to play, so many seconds after the start."""
    return now_report(playing(title, **more), "", START_MS + int(1000 * at_s))


def skipped(*reports: Report, after_s: float = 100_000) -> list[tuple[str, int]]:
    """Titles and how much was heard, so long after the start."""
    skips, _ = hidden_skips(reports, START_MS + int(1000 * after_s))
    return [(each.track.track_name, each.ms_played) for each in skips]


def test_a_track_that_gives_way_before_it_could_count_was_skipped() -> None:
    assert skipped(said("A", 0), said("B", 12), said("C", 19)) == [("A", 12_000), ("B", 7_000)]


@pytest.mark.parametrize(
    ("duration_ms", "enough_s"), [(LENGTH_MS, 100), (60 * 60_000, 240), (None, 30)]
)
def test_what_was_heard_for_long_enough_is_no_skip(duration_ms: int, enough_s: int) -> None:
    one = said("A", 0, duration_ms=duration_ms)
    assert skipped(one, said("B", enough_s - 1))
    assert not skipped(one, said("B", enough_s))


def test_a_track_that_is_said_again_and_again_played_since_the_first_time() -> None:
    assert skipped(said("A", 0), said("A", 60), said("A", 99), said("B", 105)) == []
    assert skipped(said("A", 0), said("A", 20), said("B", 30)) == [("A", 30_000)]


def test_the_last_track_is_none_however_long_nothing_follows() -> None:
    reports = [said("A", 0), said("B", 10)]
    now = START_MS + 10_000 + FORGOTTEN_MS
    assert skipped(*reports) == [("A", 10_000)]
    assert hidden_skips(reports, now)[1].done == reports
    assert hidden_skips(reports, now)[1].due_at is None


def test_a_listen_that_is_late_is_waited_for() -> None:
    reports = [said("A", 0), said("B", 10), said("C", 15)]
    just = START_MS + 10_000 + WAITS_MS
    assert hidden_skips(reports, just - 1) == ([], ([], [], 0, just))
    skips, found = hidden_skips(reports, just)
    assert [each.track.track_name for each in skips] == ["A"]
    assert (found.done, found.due_at) == (reports[:1], just + 5_000)


def test_the_event_is_the_same_however_often_it_is_made_and_is_no_play() -> None:
    [skip], _ = hidden_skips([said("A", 0), said("B", 10)], START_MS + 10**9)
    event, again = (event_of_skip("ann", skip) for _ in range(2))
    assert event == again
    assert (event.kind, event.track_id) == (EventKind.SKIP, track_id_of("Can", "A"))
    assert (event.listened_at, event.ms_played) == (START_MS, 10_000)
    assert event.source == "listenbrainz:player"
    assert event.event_id != event_of_skip("bob", skip).event_id


async def test_nothing_is_noted_unless_it_is_asked_for() -> None:
    services = cast("Services", SimpleNamespace(settings=SimpleNamespace(hidden_skips=False)))
    await note_playing_now(services, "ann", playing("A"), "")
