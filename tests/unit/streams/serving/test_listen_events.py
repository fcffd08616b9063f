"""A listen that comes again is the same event, and two programs on one player are two sources."""

from streams.serving.client_stamps import Stamp
from streams.serving.listen_events import event_of, msid_of, playing_now_of, source_of
from streams.serving.submissions import Listen
from topics.listening_event import EARLIEST_LISTENED_AT_MS

AT_MS = 1_780_000_000_000
LISTEN = Listen("Nina", "Sinnerman", "Pastel Blues", AT_MS, 200_000, None, None, "", "")


def test_the_same_listen_is_the_same_event_whatever_its_client_adds() -> None:
    first = event_of("ada", LISTEN, "listenbrainz:mpd", Stamp.START)
    again = event_of("ada", LISTEN._replace(recording_mbid="m"), "listenbrainz:x", Stamp.END)
    assert first.event_id == again.event_id


def test_another_person_time_or_name_is_another_event() -> None:
    events = [
        event_of("ada", LISTEN, "s", Stamp.START),
        event_of("bob", LISTEN, "s", Stamp.START),
        event_of("ada", LISTEN._replace(listened_at=AT_MS + 1_000), "s", Stamp.START),
        event_of("ada", LISTEN._replace(track_name="Other"), "s", Stamp.START),
        event_of("ada", LISTEN._replace(release_name=None), "s", Stamp.START),
    ]
    assert len({each.event_id for each in events}) == len(events)


def test_a_time_at_the_end_of_a_track_becomes_its_start() -> None:
    assert event_of("ada", LISTEN, "s", Stamp.END).listened_at == AT_MS - 200_000
    assert event_of("ada", LISTEN, "s", Stamp.HALF).listened_at == AT_MS - 100_000
    unknown = LISTEN._replace(duration_ms=None)
    assert event_of("ada", unknown, "s", Stamp.END).listened_at == AT_MS


def test_a_source_is_named_after_the_program_that_submits() -> None:
    assert source_of(LISTEN._replace(client="Web Scrobbler"), "x/1") == "listenbrainz:web-scrobbler"
    assert source_of(LISTEN, "attohttpc/0.28.5") == "listenbrainz:attohttpc"
    assert source_of(LISTEN, "") == "listenbrainz"


def test_a_recording_id_goes_with_the_event_to_the_catalogue() -> None:
    event = event_of("ada", LISTEN._replace(recording_mbid="m-b"), "s", Stamp.START)
    assert event.source_track_id == "mbid:m-b"


def test_every_report_of_what_plays_now_is_an_event_of_its_own() -> None:
    now = [playing_now_of("ada", LISTEN, "s", AT_MS) for _ in range(2)]
    assert now[0].event_id != now[1].event_id
    assert msid_of(LISTEN) == msid_of(LISTEN._replace(listened_at=None))


def test_a_play_that_began_before_all_scrobbles_is_an_event_all_the_same() -> None:
    early = LISTEN._replace(listened_at=EARLIEST_LISTENED_AT_MS + 1_000)
    assert event_of("ada", early, "s", Stamp.END).listened_at == EARLIEST_LISTENED_AT_MS
