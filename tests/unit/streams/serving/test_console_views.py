"""What the console shows follows from status, listens and log, and stays within bounds."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.listens.listen_history import Listen
from streams.lists.list_store import StoredList
from streams.people.people import Person
from streams.serving.console import live_events
from streams.serving.console.console_state import ConsoleState, OpenStreams, Recent
from streams.serving.console.import_process import Progress
from streams.serving.console.listener_views import clients_of
from streams.serving.console.shown_status import (
    SAMPLES_MAX,
    StatusSamples,
    sample_of,
    shown_status,
)
from streams.serving.services import Services
from streams.sources.history.history import History
from topics.errors import HistoryError
from topics.listening_event import ListeningEvent
from topics.recommendation_list import RecommendedTrack


def status(**changes: Any) -> dict[str, Any]:
    """A status as `system_status` gives it."""
    recommender = {
        "recommender_id": "rec-first-0of1",
        "quality": {"scored": 10, "hr@20": 0.5},
        "baseline": {"scored": 10, "hr@20": 0.25},
    }
    return {
        "generation": "first",
        "addresses": {"kafka": "10.0.0.1:9092"},
        "applied": 100,
        "lists": 3,
        "lag": {"events": 1, "log_records": 2},
        "freshness_ms": {"p50": 60.0, "p99": 90.0},
        "recommender": recommender,
        "shards": [recommender],
        "sequencers": [{"sequencer_id": "host-1"}],
        "problems": [],
        **changes,
    }


def test_a_rate_is_of_two_samples_that_follow_each_other_closely() -> None:
    samples = StatusSamples()
    assert samples.add(status(), 10.0)["events_per_s"] is None
    assert samples.add(status(applied=120), 12.0)["events_per_s"] == 10.0
    assert samples.add(status(applied=10), 14.0)["events_per_s"] is None  # it began anew
    assert samples.add(status(applied=900), 100.0)["events_per_s"] is None  # nobody looked


def test_what_is_unknown_is_no_number() -> None:
    unknown = status(
        applied=None, recommender={}, freshness_ms={}, lag=dict.fromkeys(("events", "log_records"))
    )
    found = sample_of(unknown, 1.0, sample_of(status(), 0.0, None))
    assert {name for name, value in found.items() if value is None} == found.keys() - {"at"}
    assert (
        sample_of(status(recommender={"quality": {"scored": 0, "hr@20": 0.0}}), 1.0, None)[
            "hit_rate"
        ]
        is None
    )


def test_samples_are_bounded() -> None:
    samples = StatusSamples()
    for at in range(SAMPLES_MAX + 5):
        samples.add(status(), float(at))
    assert [each["at"] for each in samples.all()] == [float(at) for at in range(5, SAMPLES_MAX + 5)]


def test_addresses_and_workers_are_named_to_administrators_alone() -> None:
    found = status(problems=["redis: no answer at 10.0.0.1:6379", "rec-first-0of1 does not run"])
    for_all = shown_status(found, is_admin=False)
    assert "10.0.0.1" not in repr(for_all)
    assert "rec-first" not in repr(for_all)
    assert "host-1" not in repr(for_all)
    assert len(for_all["problems"]) == 2
    for_admins = shown_status(found, is_admin=True)
    assert for_admins["problems"] == found["problems"]
    assert for_admins["addresses"] == found["addresses"]


def listen(source: str, recorded_at: int) -> Listen:
    return Listen("ann", "k", "t", 1_000, recorded_at, "m", source=source)


def test_clients_are_counted_and_the_one_seen_last_is_first() -> None:
    found = clients_of(
        [listen("listenbrainz:pano", 5), listen("spotify", 9), listen("listenbrainz:pano", 7)]
    )
    assert found == [
        {"client": "spotify", "listens": 1, "first_seen": 9, "last_seen": 9},
        {"client": "pano", "listens": 2, "first_seen": 5, "last_seen": 7},
    ]


def test_a_closed_page_gives_its_place_to_another() -> None:
    streams = OpenStreams()
    with streams.place("ann"):
        assert streams._open == {"ann": 1}
    assert not streams._open


async def test_many_pages_ask_once() -> None:
    asked, now = [], [0.0]
    recent: Recent[int] = Recent(2.0, lambda: now[0])

    async def ask() -> int:
        asked.append(now[0])
        await asyncio.sleep(0)
        return len(asked)

    assert await asyncio.gather(*(recent.get(ask) for _ in range(5))) == [1, 1, 1, 1, 1]
    now[0] = 2.0
    assert await recent.get(ask) == 2


class Stores:
    """The stores that a stream looks at."""

    def __init__(self) -> None:
        self.as_of = 1
        self.listens_of: list[Listen] = []
        self.offset = 0
        self.is_valid = True
        self.console = ConsoleState()

    async def read(self, _: str) -> StoredList:
        return StoredList([RecommendedTrack("t", 1.0, "own")], 0, self.as_of, 0, 0)

    async def mget(self, keys: list[str]) -> list[None]:
        return [None for _ in keys]

    async def position(self) -> int:
        return self.offset

    async def listens(self, _: str, **__: Any) -> list[Listen]:
        return [*self.listens_of]

    async def feedback(self, _: str, **__: Any) -> tuple[list[Any], int]:
        return [], 0

    async def person_of(self, _: str) -> Person | None:
        return Person("ann") if self.is_valid else None

    @property
    def services(self) -> Services:
        parts = SimpleNamespace(
            lists=self,
            redis=self,
            history=self,
            people=self,
            console=self.console,
            settings=SimpleNamespace(prefix=""),
        )
        return cast("Services", parts)


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    """Stores whose status is known at once, looked at without a pause."""

    async def known(*_: Any) -> dict[str, Any]:
        return {"generation": "first"}

    monkeypatch.setattr(live_events, "recent_status", known)
    monkeypatch.setattr(live_events, "TICK_S", 0.0)
    monkeypatch.setattr("streams.serving.console.console_state.POSITION_EVERY_S", 0.0)
    found = Stores()
    found.console.position = Recent(0.0)
    return found


async def test_a_page_is_told_of_what_changed_and_of_nothing_else(stores: Stores) -> None:
    watch = live_events._Watch(stores.services, Person("ann"))

    async def told() -> list[str]:
        return [name for name, _ in await watch.changes() if name != "status"]

    assert await told() == ["list", "playing", "history"]
    assert await told() == []
    stores.as_of += 1
    assert await told() == ["list"]
    stores.offset += 1  # somebody else played
    assert await told() == []
    stores.offset += 1
    stores.listens_of = [listen("spotify", 1)]
    assert await told() == ["history"]
    watch.close()


async def stream_of(stores: Stores) -> list[bytes]:
    stream = live_events._stream(stores.services, Person("ann"), "token")
    return [each async for each in stream]


async def test_a_stream_ends_when_the_service_does(stores: Stores) -> None:
    looks = iter(range(20))
    stores.console.streams.is_ending = lambda: next(looks) == 10
    found = b"".join(await asyncio.wait_for(stream_of(stores), 5))
    assert b"event: list\ndata: {}\n\n" in found
    assert b'event: status\ndata: {"generation":"first"}\n\n' in found
    assert not stores.console.streams._open


async def test_a_stream_ends_when_its_token_does(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_events, "PERSON_EVERY_S", 0.0)
    stores.is_valid = False
    assert await asyncio.wait_for(stream_of(stores), 5)


def test_progress_grows_to_one_and_is_not_said_for_every_byte() -> None:
    said: list[dict[str, Any]] = []
    progress = Progress(10_000, said.append)
    for _ in range(10_000):
        progress.on_bytes(1)
    progress.on_sent(0.5, 7)
    progress.on_sent(1.0, 9)
    shares = [each["share"] for each in said]
    assert shares == sorted(shares)
    assert said[-1] == {"share": 1.0, "sent": 9}
    assert len(said) < 60


def a_table(folder: Path, *listeners: str) -> Path:
    rows = (f"{name},Can,Song {at},2024-01-01T1{at}:00:00Z" for at, name in enumerate(listeners))
    path = folder / "plays.csv"
    path.write_text("\n".join(["user,artist,track,ts", *rows]))
    return path


def events_of(history: History) -> list[ListeningEvent]:
    return [each for each in history.rows() if isinstance(each, ListeningEvent)]


def test_plays_of_a_file_are_its_owners_whatever_name_it_gives_them(tmp_path: Path) -> None:
    path = a_table(tmp_path, "bob", "bob")
    owned = events_of(History([path], owner="ann"))
    assert [each.listener_id for each in owned] == ["ann", "ann"]
    named = {each.event_id for each in events_of(History([path]))}
    assert not named & {each.event_id for each in owned}  # bob's own import is not kept out


def test_a_file_of_several_listeners_is_nobodys_own(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="several listeners"):
        events_of(History([a_table(tmp_path, "bob", "eve")], owner="ann"))
    with pytest.raises(HistoryError, match="several listeners"):
        events_of(History([a_table(tmp_path, "bob", "ann", "eve")], owner="ann"))
