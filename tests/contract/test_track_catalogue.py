"""What every track catalogue promises: the one in MongoDB and its twin in memory alike."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.mongo_indexes import missing_indexes
from streams.tracks.memory_track_catalogue import MemoryTrackCatalogue
from streams.tracks.mongo_track_catalogue import (
    TRACK_INDEXES,
    TRACKS_A_CALL_MAX,
    MongoTrackCatalogue,
)
from streams.tracks.remembered_tracks import RememberedTracks
from streams.tracks.track_catalogue import (
    SEARCH_LIMIT_MAX,
    SOURCE_TRACK_IDS_MAX,
    Track,
    TrackCatalogue,
)
from tests.support.station import WAIT_S
from topics.errors import ServerError, SettingsError


def a_track(track_id: str = "t1", **changes: Any) -> Track:
    fields = {"artist_name": "Björk", "track_name": "Jóga"}
    return Track(track_id=track_id, **fields | changes)


class TrackCatalogueContract:
    """Every test here runs against each backend."""

    async def test_a_track_is_known_by_all_that_was_said_of_it(
        self, catalogue: TrackCatalogue
    ) -> None:
        track = a_track(
            release_name="Homogenic", duration_ms=305_000, source_track_ids=("deezer:1",)
        )
        await catalogue.remember([track])
        assert await catalogue.names(["t1"]) == {"t1": track}

    async def test_tracks_that_nobody_spoke_of_are_not_in_the_answer(
        self, catalogue: TrackCatalogue
    ) -> None:
        await catalogue.remember([a_track("t1")])
        assert set(await catalogue.names(["t1", "t2", "t1", ""])) == {"t1"}

    async def test_nothing_asked_and_nothing_told_is_nothing_known(
        self, catalogue: TrackCatalogue
    ) -> None:
        await catalogue.remember([])
        assert await catalogue.names([]) == {}

    async def test_remembering_twice_changes_nothing(self, catalogue: TrackCatalogue) -> None:
        tracks = [a_track(source_track_ids=("a:1",)), a_track("t2", duration_ms=1)]
        await catalogue.remember(tracks)
        once = await catalogue.names(["t1", "t2"])
        await catalogue.remember(tracks)
        assert await catalogue.names(["t1", "t2"]) == once

    async def test_what_is_unknown_later_does_not_erase_what_was_known(
        self, catalogue: TrackCatalogue
    ) -> None:
        await catalogue.remember([a_track(release_name="Homogenic", duration_ms=305_000)])
        await catalogue.remember([Track(track_id="t1")])
        assert (await catalogue.names(["t1"]))["t1"] == a_track(
            release_name="Homogenic", duration_ms=305_000
        )

    async def test_the_newest_name_wins(self, catalogue: TrackCatalogue) -> None:
        await catalogue.remember([a_track(track_name="joga")])
        await catalogue.remember([a_track(track_name="Joga"), a_track(track_name="Jóga")])
        assert (await catalogue.names(["t1"]))["t1"].track_name == "Jóga"

    async def test_ids_of_all_sources_are_kept_once_and_in_order(
        self, catalogue: TrackCatalogue
    ) -> None:
        for source_track_id in ("spotify:b", "deezer:1", "spotify:a", "deezer:1"):
            await catalogue.remember([a_track(source_track_ids=(source_track_id,))])
        known = (await catalogue.names(["t1"]))["t1"]
        assert known.source_track_ids == ("deezer:1", "spotify:a", "spotify:b")

    async def test_of_too_many_source_ids_the_first_in_order_are_kept(
        self, catalogue: TrackCatalogue
    ) -> None:
        ids = [f"s:{at:03}" for at in range(3 * SOURCE_TRACK_IDS_MAX)]
        for start in (1, 2, 0):
            await catalogue.remember([a_track(source_track_ids=tuple(ids[start::3]))])
        known = (await catalogue.names(["t1"]))["t1"]
        assert known.source_track_ids == tuple(ids[:SOURCE_TRACK_IDS_MAX])

    async def test_tracks_are_found_by_the_recordings_that_sources_know_for_them(
        self, catalogue: TrackCatalogue
    ) -> None:
        await catalogue.remember([a_track("t2", source_track_ids=("mpd:mbid:m1", "deezer:1"))])
        await catalogue.remember([a_track("t2", source_track_ids=("navidrome:mbid:m2",))])
        await catalogue.remember([a_track("t1", source_track_ids=("mpd:mbid:m2",)), a_track("t3")])
        found = await catalogue.of_recordings(["m2", "m1", "m3"])
        assert {mbid: track.track_id for mbid, track in found.items()} == {"m1": "t2", "m2": "t1"}
        assert await catalogue.of_recordings([]) == {}

    async def test_more_tracks_than_fit_one_call_are_all_remembered(
        self, catalogue: TrackCatalogue
    ) -> None:
        ids = [f"t{at}" for at in range(TRACKS_A_CALL_MAX + 1)]
        await catalogue.remember([a_track(each) for each in ids])
        assert set(await catalogue.names(ids)) == set(ids)

    async def test_names_of_any_script_and_length_are_kept_as_they_are(
        self, catalogue: TrackCatalogue
    ) -> None:
        tracks = [
            a_track("$set", artist_name="$set.a", track_name="a.b"),
            a_track("long", track_name="ß" * 1_024),
            a_track("🎧", artist_name="坂本龍一", track_name="戦場の\nメリークリスマス"),
            a_track("empty", artist_name="", track_name=""),
        ]
        await catalogue.remember(tracks)
        ids = [track.track_id for track in tracks]
        assert await catalogue.names(ids) == dict(zip(ids, tracks, strict=True))

    async def test_a_search_finds_artists_and_titles_by_how_they_begin(
        self, catalogue: TrackCatalogue
    ) -> None:
        await catalogue.remember(
            [
                a_track("t3", artist_name="Jon Hopkins", track_name="Open Eye Signal"),
                a_track("t2", artist_name="Björk", track_name="Jóga"),
                a_track("t1", artist_name="Yo La Tengo", track_name="Autumn Sweater"),
            ]
        )
        assert [track.track_id for track in await catalogue.search("J", 10)] == ["t2", "t3"]
        assert [track.track_id for track in await catalogue.search(" bJÖ", 10)] == ["t2"]
        assert await catalogue.search("tengo", 10) == []

    @pytest.mark.parametrize("text", ["$", "^B", ".*", "B.*", "\\", "[", "\U0010ffff"])
    async def test_a_search_takes_its_text_literally(
        self, text: str, catalogue: TrackCatalogue
    ) -> None:
        await catalogue.remember([a_track("t1"), a_track("t2", track_name=f"{text} x")])
        assert [track.track_id for track in await catalogue.search(text, 10)] == ["t2"]

    @pytest.mark.parametrize("text", ["", "  \t"])
    async def test_a_search_for_nothing_finds_nothing(
        self, text: str, catalogue: TrackCatalogue
    ) -> None:
        await catalogue.remember([a_track()])
        assert await catalogue.search(text, 10) == []

    async def test_a_search_is_bounded(self, catalogue: TrackCatalogue) -> None:
        await catalogue.remember([a_track(f"t{at:03}") for at in range(SEARCH_LIMIT_MAX + 5)])
        assert [track.track_id for track in await catalogue.search("b", 2)] == ["t000", "t001"]
        assert len(await catalogue.search("b", 10_000)) == SEARCH_LIMIT_MAX
        assert await catalogue.search("b", 0) == []


class TestMemoryTrackCatalogue(TrackCatalogueContract):
    """The twin."""

    @pytest.fixture
    def catalogue(self) -> MemoryTrackCatalogue:
        return MemoryTrackCatalogue()


class TestRememberedTracks(TrackCatalogueContract):
    """The twin, read through memory."""

    @pytest.fixture
    def catalogue(self) -> RememberedTracks:
        return RememberedTracks(MemoryTrackCatalogue())


async def test_a_track_is_read_once_until_it_is_forgotten() -> None:
    behind = MemoryTrackCatalogue()
    await behind.remember([a_track()])
    lasting, brief = RememberedTracks(behind), RememberedTracks(behind, remembered_s=0.0)
    before = {"t1": a_track()}
    assert (await lasting.names(["t1"]), await brief.names(["t1"])) == (before, before)
    await behind.remember([a_track(release_name="Homogenic")])
    assert await lasting.names(["t1"]) == before
    assert await brief.names(["t1"]) == {"t1": a_track(release_name="Homogenic")}


async def test_a_track_that_was_unknown_is_looked_up_again() -> None:
    behind = MemoryTrackCatalogue()
    remembered = RememberedTracks(behind)
    assert await remembered.names(["t1"]) == {}
    await behind.remember([a_track()])
    assert await remembered.names(["t1"]) == {"t1": a_track()}


@pytest.fixture
async def mongo(mongo_url: str) -> AsyncIterator[MongoTrackCatalogue]:
    """A catalogue in a database of its own, on a server that may be slow."""
    name = f"test-{uuid.uuid4().hex}"
    catalogue = MongoTrackCatalogue(mongo_url, database=name, answer_timeout_s=WAIT_S)
    try:
        yield catalogue
        await catalogue.database.client.drop_database(name)
    finally:
        await catalogue.close()


class TestMongoTrackCatalogue(TrackCatalogueContract):
    """The real one, on a real server."""

    @pytest.fixture
    def catalogue(self, mongo: MongoTrackCatalogue) -> MongoTrackCatalogue:
        return mongo

    _TEXT = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
    _TRACKS = st.lists(
        st.builds(
            Track,
            track_id=st.sampled_from(["t1", "t2", "t3"]),
            artist_name=_TEXT,
            track_name=_TEXT,
            release_name=_TEXT,
            duration_ms=st.none() | st.integers(0, 2**31),
            source_track_ids=st.lists(st.sampled_from("abc"), max_size=2).map(tuple),
        ),
        max_size=8,
    )

    @given(writes=st.lists(_TRACKS, max_size=3))
    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_it_always_answers_as_its_twin_does(
        self, writes: list[list[Track]], mongo_url: str
    ) -> None:
        asyncio.run(self._compare_with_twin(writes, mongo_url))

    async def _compare_with_twin(self, writes: list[list[Track]], mongo_url: str) -> None:
        twin, prefix = MemoryTrackCatalogue(), uuid.uuid4().hex
        real = MongoTrackCatalogue(mongo_url, database="test-twins", answer_timeout_s=WAIT_S)
        try:
            for tracks in writes:
                mine = [t.model_copy(update={"track_id": prefix + t.track_id}) for t in tracks]
                for catalogue in (twin, real):
                    await catalogue.remember(mine)
            ids = [f"{prefix}t{at}" for at in (1, 2, 3)]
            assert await real.names(ids) == await twin.names(ids)
        finally:
            await real.close()

    async def test_an_empty_database_lacks_every_index_and_the_first_write_creates_them(
        self, mongo: MongoTrackCatalogue
    ) -> None:
        assert await missing_indexes(mongo.database, TRACK_INDEXES) == [*TRACK_INDEXES]
        await mongo.remember([a_track()])
        assert await missing_indexes(mongo.database, TRACK_INDEXES) == []

    async def test_an_index_of_another_form_counts_as_missing_and_is_made_anew(
        self, mongo: MongoTrackCatalogue
    ) -> None:
        index = TRACK_INDEXES[0]
        await mongo.database[index.collection].create_index([("other", 1)], name=index.name)
        assert index in await missing_indexes(mongo.database, TRACK_INDEXES)
        await mongo.remember([a_track()])
        assert await missing_indexes(mongo.database, TRACK_INDEXES) == []

    async def test_two_workers_that_meet_a_new_track_at_once_both_get_it_written(
        self, mongo: MongoTrackCatalogue
    ) -> None:
        await mongo.remember([a_track("first")])
        ids = [f"t{at}" for at in range(50)]
        one = mongo.remember([a_track(each, source_track_ids=("a:1",)) for each in ids])
        other = mongo.remember([a_track(each, source_track_ids=("b:1",)) for each in ids[::-1]])
        await asyncio.gather(one, other)
        known = await mongo.names(ids)
        assert {track.source_track_ids for track in known.values()} == {("a:1", "b:1")}
        assert set(known) == set(ids)


@contextmanager
def a_silent_server() -> Iterator[str]:
    """Takes connections, as the system does for a socket that listens, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"mongodb://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def nobody() -> Iterator[str]:
    """An address at which nobody listens."""
    with a_silent_server() as url:
        pass
    yield url


@pytest.mark.parametrize("absence", [nobody, a_silent_server])
async def test_a_server_that_does_not_answer_is_an_error_and_not_a_wait(absence: Any) -> None:
    with absence() as url:
        catalogue = MongoTrackCatalogue(url, answer_timeout_s=0.2)
        for call in (
            catalogue.remember([a_track()]),
            catalogue.names(["t1"]),
            catalogue.search("b", 1),
        ):
            with pytest.raises(ServerError, match="MongoDB does not answer"):
                await call
        await catalogue.close()


@pytest.mark.parametrize("url", ["", "http://localhost", "mongodb://127.0.0.1:x"])
async def test_an_address_that_cannot_be_one_says_which_setting_to_mend(url: str) -> None:
    with pytest.raises(SettingsError, match="ECHOTUNE_MONGO"):
        MongoTrackCatalogue(url)
