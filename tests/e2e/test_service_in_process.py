"""The HTTP service in this process, on real servers: what a person sends is what comes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from redis.asyncio import Redis

from streams.kafka.log_reader import LogReader
from streams.listens.kept_playlists import KeptPlaylists
from streams.listens.listen_history import ListenHistory
from streams.listens.listen_projector import ListenProjector
from streams.people.mongo_people import MongoPeople
from streams.producers.acknowledged_producer import AcknowledgedProducer
from streams.relaying.relay_runner import RelayRunner
from streams.relaying.relay_store import RelayStore
from streams.serving import hidden_skips
from streams.serving.console.console_state import ConsoleState
from streams.serving.http_app import for_clients, routed
from streams.serving.http_server import open_services
from streams.serving.lasting_parts import LastingParts
from streams.serving.playback_settler import PlaybackSettler
from streams.settings import Settings
from streams.tracks.remembered_tracks import RememberedTracks
from tests.conftest import KAFKA_LIBS
from tests.support.documented_answers import check_async
from tests.support.fake_listenbrainz import FakeListenBrainz
from tests.support.served_station import Person, ServedStation, listen
from tests.support.station import WAIT_S
from topics.identity import track_id_of
from topics.learning_batch import LearningBatch
from topics.listening_event import KIND_CODES

MBID = "00000000-0000-4000-8000-000000000001"
POLL_S = 0.1


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStation]:
    """Servers and workers; the service itself runs in each test."""
    home = tmp_path_factory.mktemp("in-process") / "home"
    with closing(ServedStation(home, KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        yield station


@pytest.fixture(scope="module")
def people(station: ServedStation) -> dict[str, Person]:
    """People, who have been added before any loop of events runs."""
    options = {"ada": (), "bob": ("--public-reads",), "cleo": ("--admin",), "dan": ()}
    options |= {"fay": (), "gil": ()}
    return {name: station.person(name, *given) for name, given in options.items()}


@pytest.fixture
def relayed(
    station: ServedStation, people: dict[str, Person], tmp_path: Path
) -> Iterator[FakeListenBrainz]:
    """Another service, to which the listens of one person go on."""
    assert "dan" in people
    (tmp_path / "token").write_text("theirs\n")
    with closing(FakeListenBrainz(lambda *_: "ok")) as fake:
        given = ["--to", fake.url, "--token-file", str(tmp_path / "token"), "--from-start"]
        added = station.run("relays", "add", "dan", *given)
        assert added.returncode == 0, added.stderr
        yield fake


@asynccontextmanager
async def asking(
    station: ServedStation, person: Person, settings: Settings | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service with the person's token."""
    parts = LastingParts(lambda: None)
    app = routed(
        lambda: open_services(
            *(settings or station.settings, station.addresses, "http://here"),
            *(ConsoleState(), parts),
        )
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(for_clients(app)),
            base_url="http://here",
            headers={"Authorization": f"Token {person.token}"},
            timeout=WAIT_S,
            event_hooks={"response": [check_async]},
        ) as client,
    ):
        yield client
    parts.check()


async def until(ask: Callable[[], Awaitable[Any]], is_enough: Callable[[Any], bool]) -> Any:
    """Asks until the answer is enough."""
    async with asyncio.timeout(WAIT_S):
        while not is_enough(found := await ask()):
            await asyncio.sleep(POLL_S)
        return found


async def posted(client: httpx.AsyncClient, path: str, body: Any) -> None:
    answer = await client.post(path, json=body)
    assert answer.json() == {"status": "ok"}, answer.text


async def submitted(client: httpx.AsyncClient, *listens: dict[str, Any]) -> None:
    await posted(client, "/1/submit-listens", {"listen_type": "import", "payload": [*listens]})


async def listened(client: httpx.AsyncClient, name: str) -> list[dict[str, Any]]:
    found = await client.get(f"/1/user/{name}/listens", params={"count": 1_000})
    return list(found.json()["payload"]["listens"])


async def test_what_a_player_sends_comes_back_in_every_form(
    station: ServedStation, people: dict[str, Person]
) -> None:
    async with asking(station, people["ada"]) as client:
        assert (await client.get("/1/validate-token")).json()["user_name"] == "ada"
        songs = [listen(at, recording_mbid=MBID[:-1] + str(at)) for at in range(1, 6)]
        await submitted(client, *songs)
        newest, *_ = await until(lambda: listened(client, "ada"), lambda found: len(found) == 5)
        assert (await client.get("/1/user/ada/listen-count")).json()["payload"] == {"count": 5}
        page = await client.get("/1/user/ada/listens", params={"min_ts": 1, "count": 2})
        assert page.json()["payload"]["count"] == 2

        async def shown() -> dict[str, Any]:
            return dict((await client.get("/v1/listeners/ada/recommendations")).json())

        await until(shown, lambda found: found.get("is_fallback") is False)
        lists = await client.get("/1/user/ada/playlists/createdfor")
        first = lists.json()["playlists"][0]["playlist"]["identifier"].rpartition("/")[2]
        assert (await client.get(f"/1/playlist/{first}")).json()["playlist"]["track"]
        known = await client.get("/1/cf/recommendation/user/ada/recording")
        assert known.json()["payload"]["total_mbid_count"] >= 1
        names = {"artist_name": "Echo Artist", "recording_name": "Song 1"}
        looked_up = await client.get("/1/metadata/lookup", params=names)
        assert looked_up.json()["recording_mbid"] == MBID
        gone = {key: newest[key] for key in ("listened_at", "recording_msid")}
        await posted(client, "/1/delete-listen", gone)
        await until(lambda: listened(client, "ada"), lambda found: len(found) == 4)


async def test_what_a_person_thinks_and_plays_is_kept(
    station: ServedStation, people: dict[str, Person]
) -> None:
    async with asking(station, people["bob"]) as client:
        await submitted(client, listen(1, recording_mbid=MBID))
        await until(lambda: listened(client, "bob"), bool)
        love = {"recording_mbid": MBID, "score": 1}
        await posted(client, "/1/feedback/recording-feedback", love)
        found = (await client.get("/1/feedback/user/bob/get-feedback")).json()
        assert [each["score"] for each in found["feedback"]] == [1]
        await posted(client, "/1/latest-import", {"ts": 7})
        latest = await client.get("/1/latest-import", params={"user_name": "bob"})
        assert latest.json()["latest_import"] == 7
        now = {"listen_type": "playing_now", "payload": [{**listen(2)}]}
        await posted(client, "/1/submit-listens", now)
        playing = (await client.get("/1/user/bob/playing-now")).json()["payload"]
        assert playing["count"] == 1
        track = {"artist_name": "Echo Artist", "track_name": "Song 3", "duration_ms": 200_000}
        for state, position_ms in (("starting", 0), ("stopped", 12_000)):
            report = {"state": state, "player": "p", "position_ms": position_ms, "track": track}
            assert (await client.post("/v1/playback", json=report)).status_code == 200

        async def titles() -> list[str]:
            return [each["track_metadata"]["track_name"] for each in await listened(client, "bob")]

        await until(titles, lambda found: "Song 3" in found)


async def test_the_console_shows_a_person_what_is_theirs(
    station: ServedStation, people: dict[str, Person]
) -> None:
    async with asking(station, people["cleo"]) as client:
        await submitted(client, listen(1))
        await until(lambda: listened(client, "cleo"), bool)
        assert (await client.get("/v1/me")).json()["name"] == "cleo"
        assert (await client.get("/v1/status")).json()["generation"] == "first"
        assert (await client.get("/v1/listeners/cleo/history")).status_code == 200
        assert (await client.get("/v1/listeners/cleo/clients")).status_code == 200
        assert (await client.get("/v1/listeners/cleo/feedback")).status_code == 200
        found = (await client.get("/v1/generations")).json()["generations"]
        assert [each["name"] for each in found] == ["first"]


@pytest.mark.parametrize(("score", "kept"), [(0, {}), (1, 1)], ids=["neither", "loved"])
async def test_a_dismissed_track_leaves_the_list_until_that_is_undone(
    station: ServedStation, people: dict[str, Person], score: int, kept: Any
) -> None:
    async with asking(station, people["fay"]) as client:
        await submitted(client, *(listen(at) for at in range(1, 5)))

        async def titles() -> list[str]:
            found = (await client.get("/v1/listeners/fay/recommendations")).json()
            return [each["track_name"] for each in found.get("tracks", ())]

        await until(titles, lambda found: "Song 2" in found)
        track_id = track_id_of("Echo Artist", "Song 2")
        if score:
            await posted(client, "/v1/feedback", {"track_id": track_id, "score": score})
        await posted(client, "/v1/dismiss", {"track_id": track_id})
        await until(titles, lambda found: found and "Song 2" not in found)
        await posted(client, "/v1/dismiss", {"track_id": track_id, "undo": True})
        await until(titles, lambda found: "Song 2" in found)
        scores = (await client.get("/v1/listeners/fay/feedback")).json()["scores"]
        assert scores.get(track_id, {}) == kept, "love stays as it was"


async def test_skips_that_a_scrobbler_hides_are_events_where_that_is_asked_for(
    station: ServedStation, people: dict[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden_skips, "WAITS_MS", 500)
    asked_for = station.settings.model_copy(update={"hidden_skips": True})

    def skipped() -> list[str]:
        """The titles of the SKIP events in the log, in its order."""
        with LogReader(station.addresses.kafka) as log:
            records = log.decoded(log.bounds().start, log.bounds().end - 1)
            batches = [each for _, each in records if isinstance(each, LearningBatch)]
        return [
            batch.strings[batch.columns["track_names"][row]]
            for batch in batches
            for row in np.flatnonzero(batch.columns["kinds"] == KIND_CODES["SKIP"])
        ]

    async with asking(station, people["gil"], asked_for) as client:
        for at in range(1, 5):
            now = listen(at)
            del now["listened_at"]
            body = {"listen_type": "playing_now", "payload": [now]}
            await posted(client, "/1/submit-listens", body)
            if at == 2:  # the second song is heard for long enough before the third one begins
                await submitted(client, {**listen(at), "listened_at": int(time.time())})
                await until(lambda: listened(client, "gil"), bool)
        found = await until(lambda: asyncio.to_thread(skipped), lambda found: len(found) > 1)
        assert found == ["Song 1", "Song 3"]
        assert len(await listened(client, "gil")) == 1, "a skip is no listen"


CLOSED = {
    LastingParts: "stop",
    ListenProjector: "release",
    PlaybackSettler: "release",
    RelayRunner: "release",
    RelayStore: "close",
    KeptPlaylists: "close",
    ListenHistory: "close",
    RememberedTracks: "close",
    AcknowledgedProducer: "close",
    MongoPeople: "close",
    Redis: "aclose",
}
"""What a service opens, and how each of it is closed."""


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts that were closed; each fails then, after it has closed."""
    found: list[str] = []

    def failing(close: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def note(part: Any) -> None:
            found.append(type(part).__name__)
            raise OSError(f"{type(part).__name__} fails")

        async def close_async(part: Any) -> None:
            await close(part)
            note(part)

        def close_now(part: Any) -> None:
            close(part)
            note(part)

        return close_async if iscoroutinefunction(close) else close_now

    for part, name in CLOSED.items():
        monkeypatch.setattr(part, name, failing(getattr(part, name)))
    return found


async def test_each_part_is_closed_though_every_other_one_fails(
    station: ServedStation, people: dict[str, Person], closed: list[str]
) -> None:
    with pytest.raises(OSError, match="fails"):
        async with asking(station, people["ada"]) as client:
            assert (await client.get("/v1/me")).status_code == 200
    assert {*closed} == {each.__name__ for each in CLOSED} | {"SkipSettler"}
    assert closed[0] == "LastingParts", "what works ends before what it works with"


async def test_what_was_opened_is_closed_though_the_next_part_cannot_be_opened(
    station: ServedStation,
    people: dict[str, Person],
    closed: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("it cannot be opened")

    monkeypatch.setattr(KeptPlaylists, "__init__", fails)
    with pytest.raises(OSError, match="fails"):
        async with asking(station, people["ada"]):
            pass
    before = {"Redis", "MongoPeople", "AcknowledgedProducer", "RememberedTracks", "ListenHistory"}
    assert {*closed} == before


async def test_listens_go_on_to_another_service(
    station: ServedStation, people: dict[str, Person], relayed: FakeListenBrainz
) -> None:
    async def arrived() -> list[str]:
        return [name for _, name in relayed.kept]

    async with asking(station, people["dan"]) as client:
        await submitted(client, *(listen(at) for at in range(1, 4)))
        names = await until(arrived, lambda found: len(found) == 3)
    assert names == ["Song 1", "Song 2", "Song 3"]
