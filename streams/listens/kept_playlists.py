"""Weekly and daily playlists in MongoDB, as they were made: nobody's list changes afterwards."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from streams.listens.listen_history import REMEDY
from streams.mongo_client import DATABASE, mongo_answers, mongo_client

PLAYLISTS = "playlists"


class KeptPlaylists:
    """Playlists by id; `prefix` begins the name of the collection.

    Methods raise `ServerError` while MongoDB is unavailable.
    """

    def __init__(self, url: str, *, prefix: str = "") -> None:
        self._client = mongo_client(url)
        self._playlists = self._client[DATABASE][prefix + PLAYLISTS]

    async def keep(self, playlist: Mapping[str, Any]) -> dict[str, Any]:
        """Keeps `playlist` unless one of its `id` is kept already; returns the one that is."""
        new = {name: each for name, each in playlist.items() if name != "id"}
        with mongo_answers(REMEDY):
            await self._playlists.update_one(
                {"_id": playlist["id"]}, {"$setOnInsert": new}, upsert=True
            )
            return _playlist(await self._playlists.find_one({"_id": playlist["id"]}))

    async def find(self, playlist_id: str) -> dict[str, Any] | None:
        """The playlist of an id."""
        with mongo_answers(REMEDY):
            found = await self._playlists.find_one({"_id": playlist_id})
        return _playlist(found) if found else None

    async def of_person(self, name: str) -> list[dict[str, Any]]:
        """All playlists that were made for a person, newest first."""
        with mongo_answers(REMEDY):
            cursor = self._playlists.find({"created_for": name}).sort("made_at", -1)
            return [_playlist(each) async for each in cursor]

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
