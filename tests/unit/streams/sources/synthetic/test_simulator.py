import hashlib
import subprocess
import sys
from collections import defaultdict
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.synthetic.simulator import LISTENERS_MAX, Simulator
from topics.errors import EchoTuneError
from topics.identity import artist_id_of, track_id_of
from topics.listening_event import ListeningEvent, invalid_events

START_MS = 1_104_537_600_000
DIGEST = "00372b946efd389c3adfb83b2d23fd35"


def a_town(*, seed: int = 1, listeners: int = 40, start_ms: int = START_MS) -> Simulator:
    return Simulator(seed, listeners, start_ms)


def the_first(count: int, town: Simulator) -> list[ListeningEvent]:
    return list(islice(town.events(), count))


def digest_of(events: list[ListeningEvent]) -> str:
    digest = hashlib.sha256()
    for event in events:
        digest.update(event.model_dump_json().encode())
    return digest.hexdigest()[:32]


@pytest.fixture(scope="module")
def events() -> list[ListeningEvent]:
    return the_first(5_000, a_town())


def test_the_town_of_a_seed_never_changes(events: list[ListeningEvent]) -> None:
    assert digest_of(events) == DIGEST, "where a running town stands would lose its meaning"


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_another_process_makes_the_same_town(hash_seed: str) -> None:
    program = f"""
from itertools import islice
from streams.sources.synthetic.simulator import Simulator
print(*(event.event_id for event in islice(Simulator(1, 40, {START_MS}).events(700), 300)))
"""
    made = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert made.stdout.split() == [e.event_id for e in the_first(1_000, a_town())[700:]]


def test_another_seed_is_another_town(events: list[ListeningEvent]) -> None:
    other = the_first(5_000, a_town(seed=2))
    assert not {event.track_id for event in events} & {event.track_id for event in other}


def test_a_listener_does_the_same_in_a_larger_town() -> None:
    small, large = a_town(listeners=3), a_town(listeners=6)
    theirs = {event.listener_id for event in the_first(1_000, small)}
    assert list(small.day(4)) == [e for e in large.day(4) if e.listener_id in theirs]


_FEW = a_town(listeners=2)
_THEIRS = the_first(2_000, _FEW)


@given(position=st.integers(0, 1_990))
def test_events_go_on_at_any_position(position: int) -> None:
    assert list(islice(_FEW.events(position), 10)) == _THEIRS[position : position + 10]


@given(day=st.integers(0, 40), data=st.data())
def test_a_day_goes_on_at_any_position(day: int, data: st.DataObject) -> None:
    whole = list(_FEW.day(day))
    position = data.draw(st.integers(0, len(whole) + 1))
    assert list(_FEW.day(day, position)) == whole[position:]


def test_events_keep_to_the_bounds_of_the_contract(events: list[ListeningEvent]) -> None:
    assert invalid_events([event.model_dump() for event in events]) == {}


def test_events_are_in_order_of_time_and_begin_when_the_town_does() -> None:
    times = [event.listened_at or 0 for event in the_first(5_000, a_town(start_ms=START_MS + 7))]
    assert times == sorted(times)
    assert START_MS + 7 <= times[0] < START_MS + 2 * 86_400_000


def test_no_event_has_the_id_of_another(events: list[ListeningEvent]) -> None:
    assert len({event.event_id for event in events}) == len(events)


def test_ids_are_those_of_the_names(events: list[ListeningEvent]) -> None:
    assert all(
        event.track_id == track_id_of(event.artist_name, event.track_name)
        and event.artist_id == artist_id_of(event.artist_name or "")
        for event in events
    )


def test_an_id_stands_for_one_track(events: list[ListeningEvent]) -> None:
    tracks = {(event.track_id, event.release_name, event.duration_ms) for event in events}
    assert len(tracks) == len({event.track_id for event in events})


def test_no_one_hears_two_tracks_at_once(events: list[ListeningEvent]) -> None:
    plays = defaultdict(list)
    for event in events:
        plays[event.listener_id].append((event.listened_at or 0, event.ms_played or 0))
    assert all(
        began + played <= following
        for theirs in plays.values()
        for (began, played), (following, _) in pairwise(theirs)
    )


def test_a_skip_is_short_and_the_rest_is_heard_to_the_end(events: list[ListeningEvent]) -> None:
    skipped = [event for event in events if event.reason_end == "fwdbtn"]
    heard = [event for event in events if event.reason_end == "trackdone"]
    assert len(skipped) + len(heard) == len(events)
    assert all(0 < (event.ms_played or 0) < 30_000 for event in skipped)
    assert all(event.ms_played == event.duration_ms for event in heard)
    assert 0.05 < len(skipped) / len(events) < 0.25


@pytest.mark.parametrize("listeners", [-1, 0, LISTENERS_MAX + 1])
def test_a_town_without_listeners_or_with_too_many_is_refused(listeners: int) -> None:
    with pytest.raises(EchoTuneError, match=str(listeners)):
        a_town(listeners=listeners)
