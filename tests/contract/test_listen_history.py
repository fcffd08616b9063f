"""Listens and playlists on a real MongoDB server: look-ups use indexes and read pages."""

import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from streams import mongo_indexes
from streams.listens.kept_playlists import PLAYLIST_INDEXES, PLAYLISTS, KeptPlaylists
from streams.listens.listen_history import (
    FEEDBACK,
    HISTORY_INDEXES,
    LISTENS,
    Feedback,
    Listen,
    ListenHistory,
)
from streams.mongo_client import DATABASE, mongo_client
from streams.mongo_indexes import lacked_indexes, missing_indexes, prefixed
from topics.errors import ServerError

MBIDS = [str(uuid.UUID(int=at)) for at in range(3)]
PLAYS = 12


@dataclass(frozen=True)
class Kept:
    """The stores of one installation, and its database."""

    history: ListenHistory
    playlists: KeptPlaylists
    database: Any
    prefix: str

    async def index_of(self, collection: str, wanted: dict[str, Any]) -> str:
        """The name of the index that the server uses for a query; empty for none."""
        asked = {"find": self.prefix + collection, "filter": wanted}
        plan = await self.database.command("explain", asked)
        return str(_index_name(plan["queryPlanner"]["winningPlan"]) or "")


def _index_name(stage: dict[str, Any]) -> str | None:
    if "indexName" in stage:
        return str(stage["indexName"])
    return _index_name(stage["inputStage"]) if "inputStage" in stage else None


@pytest.fixture
async def kept(mongo_url: str) -> AsyncIterator[Kept]:
    prefix, client = f"test-{uuid.uuid4().hex[:8]}.", mongo_client(mongo_url)
    history = ListenHistory(mongo_url, prefix=prefix)
    playlists = KeptPlaylists(mongo_url, prefix=prefix)
    yield Kept(history, playlists, client[DATABASE], prefix)
    for name in (LISTENS, FEEDBACK, PLAYLISTS):
        await client[DATABASE][prefix + name].drop()
    history.close()
    playlists.close()
    client.close()


def a_play(at: int, **changes: Any) -> Listen:
    """The play of a minute: three tracks in turn, each with its MusicBrainz id."""
    known = {"recording_mbid": MBIDS[at % 3], "recording_msid": f"msid {at % 3}"}
    fields = {"track_id": f"t{at % 3}", "event_key": f"e{at}", **known, **changes}
    return Listen(listener_id="ada", listened_at=60_000 * at, recorded_at=60_000 * at, **fields)


def a_playlist(at: int, **changes: Any) -> dict[str, Any]:
    """A playlist of a day, with tracks."""
    made_at = f"2026-11-{at + 1:02}T00:00:00+00:00"
    fields = {"id": f"p{at}", "created_for": "ada", "made_at": made_at, "tracks": [{"title": "x"}]}
    return fields | changes


async def test_heard_names_each_track_once_and_only_those_of_the_listener(kept: Kept) -> None:
    await kept.history.write([*map(a_play, range(PLAYS)), a_play(99)._replace(listener_id="bob")])
    assert await kept.history.heard("ada", ["t0", "t2", "unheard"]) == {"t0", "t2"}
    assert await kept.history.heard("bob", ["t0", "t1"]) == {"t0"}
    assert await kept.history.heard("ada", []) == set()


async def test_a_recording_of_several_names_is_the_track_that_was_heard_last(kept: Kept) -> None:
    await kept.history.write([*map(a_play, range(PLAYS)), a_play(PLAYS, track_id="t0 live")])
    await kept.history.write(
        [a_play(1, track_id="t0 demo", event_key="late", recording_mbid=MBIDS[0])]
    )
    found = await kept.history.tracks_of_recordings("ada", [*MBIDS[:2], str(uuid.uuid4())])
    assert found == {MBIDS[0]: "t0 live", MBIDS[1]: "t1"}


async def test_a_page_of_nothing_is_empty(kept: Kept) -> None:
    await kept.history.write([*map(a_play, range(PLAYS)), Feedback("ada", "t0", 1, 5, "msid 0")])
    await kept.playlists.keep(a_playlist(0))
    assert await kept.history.listens("ada", count=0) == []
    assert await kept.history.following("ada", -2, since_ms=0, count=0) == []
    assert await kept.history.feedback("ada", score=None, count=0, offset=0) == ([], 1)
    assert await kept.playlists.page("ada", count=0, offset=0) == ([], 1)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 20])
async def test_a_page_is_of_the_newest_listens_however_far_apart_they_are(
    kept: Kept, count: int
) -> None:
    now = time.time_ns() // 1_000_000
    times = [now - days * 86_400_000 for days in (-0.5, 0, 1, 6, 8, 80, 100, 900, 9_000)]
    plays = [a_play(at)._replace(listened_at=int(each)) for at, each in enumerate(times)]
    await kept.history.write(plays)
    for first in range(len(plays)):
        before, after = plays[first].listened_at, plays[-2].listened_at
        for bounds, expected in (
            ({}, plays),
            ({"before_ms": before}, plays[first + 1 :]),
            ({"before_ms": before, "after_ms": after}, plays[first + 1 : -2]),
        ):
            assert await kept.history.listens("ada", count=count, **bounds) == expected[:count]


async def test_a_page_of_what_was_heard_lately_reads_nothing_of_long_ago(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked = time.time_ns() // 1_000_000, []
    await kept.history.write([a_play(at)._replace(listened_at=now - at) for at in range(PLAYS)])
    between = kept.history._between

    async def noted(listener_id: str, after_ms: int | None, *more: Any) -> list[Listen]:
        asked.append(after_ms)
        return await between(listener_id, after_ms, *more)

    monkeypatch.setattr(kept.history, "_between", noted)
    assert len(await kept.history.listens("ada", count=PLAYS)) == PLAYS
    assert [each is not None and now - each < 8 * 86_400_000 for each in asked] == [True]


async def test_playlists_are_read_page_by_page_newest_first_without_their_tracks(
    kept: Kept,
) -> None:
    for at in (2, 0, 1):
        await kept.playlists.keep(a_playlist(at))
    await kept.playlists.keep(a_playlist(5, created_for="bob"))
    pages = [await kept.playlists.page("ada", count=2, offset=offset) for offset in (0, 2, 4)]
    assert [[each["id"] for each in page] for page, _ in pages] == [["p2", "p1"], ["p0"], []]
    assert {total for _, total in pages} == {3}
    assert all("tracks" not in each for page, _ in pages for each in page)
    assert (await kept.playlists.find("p1") or {})["tracks"] == [{"title": "x"}]
    assert await kept.playlists.kept(["p0", "p5", "p9"]) == {"p0", "p5"}


@pytest.mark.parametrize(
    ("collection", "wanted", "index"),
    [
        (LISTENS, {"track_id": {"$in": ["t0", "t1"]}}, "listener_track"),
        (LISTENS, {"recording_mbid": {"$in": MBIDS}}, "listener_mbid"),
        (LISTENS, {"recording_mbid": MBIDS[0]}, "listener_mbid"),
        (LISTENS, {"listened_at": {"$lt": 60_000}}, "listener_time"),
        (LISTENS, {"log_position": {"$gt": 3}}, "listener_log"),
    ],
)
async def test_no_look_up_reads_all_listens(
    kept: Kept, collection: str, wanted: dict[str, Any], index: str
) -> None:
    await kept.history.prepare()
    await kept.history.write([*map(a_play, range(PLAYS))])
    assert await kept.index_of(collection, {"listener_id": "ada", **wanted}) == index


async def test_playlists_of_a_person_are_found_by_an_index(kept: Kept) -> None:
    await kept.playlists.keep(a_playlist(0))
    assert await kept.index_of(PLAYLISTS, {"created_for": "ada"}) == "person_newest"


async def test_an_index_may_take_as_long_as_it_needs_whatever_other_calls_may_take(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_indexes, "BUILT_WITHIN_S", 1e-6)
    with pytest.raises(ServerError):
        await kept.history.prepare()


async def test_indexes_are_lacked_only_by_what_is_stored_and_prepare_creates_them(
    kept: Kept, mongo_url: str
) -> None:
    declared = prefixed((*HISTORY_INDEXES, *PLAYLIST_INDEXES), kept.prefix)
    assert await lacked_indexes(mongo_url, declared, "") == []
    await kept.history.write([a_play(0)])
    of_listens = [each for each in declared if each.collection == kept.prefix + LISTENS]
    assert await lacked_indexes(mongo_url, declared, "") == of_listens
    await kept.history.prepare()
    await kept.playlists.keep(a_playlist(0))
    assert await missing_indexes(kept.database, declared) == []
    assert await lacked_indexes(mongo_url, declared, "") == []
