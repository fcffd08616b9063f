"""Weekly and daily playlists in MongoDB, as they were made: nobody's list changes afterwards."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from streams.listens.listen_history import REMEDY, page_of
from streams.mongo_client import DATABASE, mongo_answers, mongo_client
from streams.mongo_indexes import Index, create_missing_indexes, prefixed

PLAYLISTS = "playlists"
_NEWEST_FIRST = [("made_at", -1), ("_id", 1)]
PLAYLIST_INDEXES = (
    Index(PLAYLISTS, "person_newest", (("created_for", 1), ("made_at", -1), ("_id", 1))),
)


class KeptPlaylists:
    """Playlists by id; `prefix` begins the name of the collection.

    Methods raise `ServerError` while MongoDB is unavailable.
    """

    def __init__(self, url: str, *, prefix: str = "") -> None:
        self._client = mongo_client(url)
        self._database = self._client[DATABASE]
        self._playlists = self._database[prefix + PLAYLISTS]
        self._indexes = prefixed(PLAYLIST_INDEXES, prefix)
        self._has_indexes = False

    async def keep(self, playlist: Mapping[str, Any]) -> dict[str, Any]:
        """Keeps `playlist` unless one of its `id` is kept already; returns the one that is."""
        new = {name: each for name, each in playlist.items() if name != "id"}
        with mongo_answers(REMEDY):
            if not self._has_indexes:
                await create_missing_indexes(self._database, self._indexes)
                self._has_indexes = True
            await self._playlists.update_one(
                {"_id": playlist["id"]}, {"$setOnInsert": new}, upsert=True
            )
            return _playlist(await self._playlists.find_one({"_id": playlist["id"]}))

    async def find(self, playlist_id: str) -> dict[str, Any] | None:
        """The playlist of an id."""
        with mongo_answers(REMEDY):
            found = await self._playlists.find_one({"_id": playlist_id})
        return _playlist(found) if found else None

    async def kept(self, playlist_ids: Collection[str]) -> set[str]:
        """Those of `playlist_ids` that are kept."""
        wanted = {"_id": {"$in": [*playlist_ids]}}
        with mongo_answers(REMEDY):
            return {each["_id"] async for each in self._playlists.find(wanted, {"_id": 1})}

    async def page(self, name: str, *, count: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Playlists of a person without their tracks, newest first, and how many there are."""
        wanted = {"created_for": name}
        with mongo_answers(REMEDY):
            total = int(await self._playlists.count_documents(wanted))
            cursor = self._playlists.find(wanted, {"tracks": 0}).sort(_NEWEST_FIRST).skip(offset)
            return [_playlist(each) for each in await page_of(cursor, count)], total

    async def forget(self, name: str, until_ms: int) -> None:
        """Deletes all playlists that were made for a person by a time."""
        until = datetime.fromtimestamp(until_ms / 1_000, UTC).isoformat(timespec="seconds")
        with mongo_answers(REMEDY):
            await self._playlists.delete_many({"created_for": name, "made_at": {"$lte": until}})

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()


def _playlist(document: Any) -> dict[str, Any]:
    return {"id": document["_id"], **{k: v for k, v in document.items() if k != "_id"}}
