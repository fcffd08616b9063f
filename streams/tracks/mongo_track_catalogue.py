"""The track catalogue in MongoDB: one document per track."""

import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import UpdateMany, UpdateOne
from pymongo.errors import ConfigurationError, PyMongoError

from streams.tracks.mongo_indexes import TRACKS, Index, create_missing_indexes, missing_indexes
from streams.tracks.track_catalogue import (
    SEARCH_LIMIT_MAX,
    SOURCE_TRACK_IDS_MAX,
    Track,
    merged_by_id,
)
from topics.errors import ServerError, SettingsError
from topics.identity import normalised

DATABASE = "echotune"
TRACKS_A_CALL_MAX = 500
SELECTION_TIMEOUT_MS = 1_000
ANSWER_TIMEOUT_S = 5.0
_CONNECTIONS_MAX = 4
_LAST_CHARACTER = "\U0010ffff"
_Item = TypeVar("_Item")


class MongoTrackCatalogue:
    """See `TrackCatalogue`. Calls have timeouts, and raise `ServerError` if MongoDB is down."""

    def __init__(
        self, url: str, *, database: str = DATABASE, answer_timeout_s: float = ANSWER_TIMEOUT_S
    ) -> None:
        self._client = _client(url, answer_timeout_s)
        self.database = self._client[database]
        self._tracks = self.database[TRACKS]
        self._has_indexes = False

    async def remember(self, tracks: Sequence[Track]) -> None:
        """See `TrackCatalogue.remember`."""
        async with _answers():
            if not self._has_indexes:
                await create_missing_indexes(self.database)
                self._has_indexes = True
            for each in _bulks([*merged_by_id(tracks).values()]):
                await self._tracks.bulk_write([*map(_upsert, each), _bound(each)], ordered=True)

    async def names(self, track_ids: Sequence[str]) -> dict[str, Track]:
        """See `TrackCatalogue.names`."""
        found: dict[str, Track] = {}
        async with _answers():
            for each in _bulks(track_ids):
                async for document in self._tracks.find({"_id": {"$in": each}}):
                    found[document["_id"]] = _track(document)
        return found

    async def search(self, text: str, limit: int) -> list[Track]:
        """See `TrackCatalogue.search`."""
        prefix = normalised(text)
        if not prefix or limit < 1:
            return []
        begins = {"$gte": prefix, "$lt": prefix + _LAST_CHARACTER}
        either = {"$or": [{"artist_key": begins}, {"track_key": begins}]}
        async with _answers():
            cursor = self._tracks.find(either).sort("_id", 1).limit(min(limit, SEARCH_LIMIT_MAX))
            return [_track(document) async for document in cursor]

    async def missing_indexes(self) -> list[Index]:
        """The declared indexes that are missing; raises `ServerError` if MongoDB is unavailable."""
        async with _answers():
            return await missing_indexes(self.database)

    async def close(self) -> None:
        """See `TrackCatalogue.close`."""
        self._client.close()


def _client(url: str, answer_timeout_s: float) -> AsyncIOMotorClient[dict[str, Any]]:
    """A client; parameters that it does not know are ignored, without a word of their values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return AsyncIOMotorClient(
                url,
                serverSelectionTimeoutMS=SELECTION_TIMEOUT_MS,
                connectTimeoutMS=SELECTION_TIMEOUT_MS,
                socketTimeoutMS=int(answer_timeout_s * 1000),
                maxPoolSize=_CONNECTIONS_MAX,
                w="majority",
                journal=True,
            )
    except (ConfigurationError, ValueError) as error:
        raise SettingsError(
            f"The address of MongoDB cannot be used: {str(error).rstrip('.')}.",
            "Set ECHOTUNE_MONGO to mongodb://host:port.",
        ) from error


@asynccontextmanager
async def _answers() -> AsyncIterator[None]:
    try:
        yield
    except (PyMongoError, OSError) as error:
        raise ServerError(
            f"MongoDB does not answer as it should ({type(error).__name__}: {str(error)[:200]}).",
            "Tracks have no names until it does; everything else continues.",
        ) from error


def _bulks(items: Sequence[_Item]) -> list[Sequence[_Item]]:
    return [
        items[start : start + TRACKS_A_CALL_MAX]
        for start in range(0, len(items), TRACKS_A_CALL_MAX)
    ]


def _upsert(track: Track) -> UpdateOne:
    known = track.model_dump(exclude_none=True, exclude={"track_id", "source_track_ids"})
    known |= {
        key: normalised(known[name])
        for name, key in (("artist_name", "artist_key"), ("track_name", "track_key"))
        if name in known
    }
    update: dict[str, Any] = {
        "$addToSet": {"source_track_ids": {"$each": list(track.source_track_ids)}}
    }
    return UpdateOne(
        {"_id": track.track_id}, update | ({"$set": known} if known else {}), upsert=True
    )


def _bound(tracks: Sequence[Track]) -> UpdateMany:
    """Limits sets of source ids that have grown too long, in the same call as the upserts."""
    too_long = {
        "_id": {"$in": [track.track_id for track in tracks]},
        f"source_track_ids.{SOURCE_TRACK_IDS_MAX}": {"$exists": True},
    }
    cut = {"$each": [], "$sort": 1, "$slice": SOURCE_TRACK_IDS_MAX}
    return UpdateMany(too_long, {"$push": {"source_track_ids": cut}})


def _track(document: dict[str, Any]) -> Track:
    return Track(track_id=document["_id"], **document)
