"""That the town's people listen as people do, so that a model has something to learn."""

from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest

from online_models.base import Columns
from online_models.evaluation.prequential import Prequential
from online_models.registry import build
from streams.sources.synthetic.simulator import Simulator
from topics.listening_event import ListeningEvent

START_MS = 1_104_537_600_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def town() -> Simulator:
    return Simulator(3, 300, START_MS)


@pytest.fixture(scope="module")
def events(town: Simulator) -> list[ListeningEvent]:
    return list(islice(town.events(), 60_000))


def tracks_of_week(town: Simulator, first_day: int) -> set[tuple[str, str | None]]:
    return {
        (event.listener_id, event.track_id)
        for day in range(first_day, first_day + 7)
        for event in town.day(day)
    }


def test_evenings_are_loud_and_nights_quiet(events: list[ListeningEvent]) -> None:
    hours = Counter((event.listened_at or 0) // HOUR_MS % 24 for event in events)
    evening, night = (sum(hours[h] for h in some) for some in (range(18, 22), range(2, 6)))
    assert evening > 5 * night > 0


def test_listeners_return_to_their_own_favourites(town: Simulator) -> None:
    before, after = tracks_of_week(town, 0), tracks_of_week(town, 7)
    strangers = dict(pairwise(sorted({who for who, _ in before})))
    own = len(before & after)
    of_a_stranger = len(before & {(strangers.get(who, ""), track) for who, track in after})
    assert own > 4 * of_a_stranger


def test_tastes_drift(town: Simulator) -> None:
    now = tracks_of_week(town, 0)
    shared = [len(now & tracks_of_week(town, day)) for day in (7, 60, 400)]
    assert shared[0] > 1.2 * shared[1] > 1.2 * 1.2 * shared[2]


def test_an_album_is_often_heard_in_order(events: list[ListeningEvent]) -> None:
    last: dict[str, str] = {}
    follows: Counter[tuple[str, str]] = Counter()
    for event in events:
        track = event.track_id or ""
        if before := last.get(event.listener_id):
            follows[before, track] += 1
        last[event.listener_id] = track
    repeated = sum(count for count in follows.values() if count >= 3)
    assert repeated > 0.2 * sum(follows.values())


def test_new_music_goes_on_appearing(town: Simulator) -> None:
    heard = {event.release_name for day in range(14) for event in town.day(day)}
    later = Counter(event.release_name in heard for event in town.day(1_500))
    much_later = Counter(event.release_name in heard for event in town.day(10_000))
    assert later[False] > later[True]
    assert much_later[True] == 0


def hit_rate(model_name: str, events: list[ListeningEvent]) -> float:
    """HR@20, each event being ranked before it is learnt."""
    model, quality = build({"model": model_name}), Prequential()
    users = np.array([model.users.encode(event.listener_id) for event in events], np.int32)
    items = np.array([model.items.encode(event.track_id) for event in events], np.int32)
    groups = np.array([model.groups.encode(event.artist_id) for event in events], np.int32)
    y = np.array([event.reason_end == "trackdone" for event in events], np.float32)
    at_ms = np.array([event.listened_at for event in events], np.int64)
    signals = np.zeros(len(events), np.uint8)
    quality.update(
        users, model.learn_many(Columns(users, items, groups, y, at_ms, signals)), signals
    )
    return quality.hit_rate


def test_each_signal_helps_and_their_blend_helps_most(events: list[ListeningEvent]) -> None:
    alone = [hit_rate(name, events) for name in ("popularity", "own_recent", "last_transition")]
    assert min(alone) > 0.05
    assert hit_rate("fast", events) > 1.25 * max(alone)
