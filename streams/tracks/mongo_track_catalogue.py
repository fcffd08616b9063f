"""The track catalogue in MongoDB: one document per track."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pymongo import UpdateMany, UpdateOne

from streams.mongo_client import ANSWER_TIMEOUT_S, DATABASE, mongo_answers, mongo_client
from streams.mongo_indexes import Index, create_missing_indexes
from streams.tracks.track_catalogue import (
    SEARCH_LIMIT_MAX,
    SOURCE_TRACK_IDS_MAX,
    Track,
    merged_by_id,
)
from topics.identity import normalised

TRACKS = "tracks"
TRACK_INDEXES = (
    Index(TRACKS, "artist_key", (("artist_key", 1),)),
    Index(TRACKS, "track_key", (("track_key", 1),)),
    Index(TRACKS, "recording_mbids", (("recording_mbids", 1),)),
)
TRACKS_A_CALL_MAX = 500
_REMEDY = "Tracks have no names until it does; everything else continues."
_LAST_CHARACTER = "\U0010ffff"
_Item = TypeVar("_Item")


class MongoTrackCatalogue:
    """See `TrackCatalogue`. Calls have timeouts, and raise `ServerError` if MongoDB is down."""

    def __init__(
        self, url: str, *, database: str = DATABASE, answer_timeout_s: float = ANSWER_TIMEOUT_S
    ) -> None:
        self._client = mongo_client(url, answer_timeout_s)
        self.database = self._client[database]
        self._tracks = self.database[TRACKS]
        self._has_indexes = False

    async def remember(self, tracks: Sequence[Track]) -> None:
        """See `TrackCatalogue.remember`."""
        with mongo_answers(_REMEDY):
            if not self._has_indexes:
                await create_missing_indexes(self.database, TRACK_INDEXES)
                self._has_indexes = True
            for each in _bulks([*merged_by_id(tracks).values()]):
                await self._tracks.bulk_write([*map(_upsert, each), *_bounds(each)], ordered=True)

    async def names(self, track_ids: Sequence[str]) -> dict[str, Track]:
        """See `TrackCatalogue.names`."""
        found: dict[str, Track] = {}
        with mongo_answers(_REMEDY):
            for each in _bulks(track_ids):
                async for document in self._tracks.find({"_id": {"$in": each}}):
                    found[document["_id"]] = _track(document)
        return found

    async def of_recordings(self, recording_mbids: Sequence[str]) -> dict[str, Track]:
        """See `TrackCatalogue.of_recordings`."""
        found: dict[str, Track] = {}
        with mongo_answers(_REMEDY):
            for each in _bulks(recording_mbids):
                cursor = self._tracks.find({"recording_mbids": {"$in": each}}).sort("_id", -1)
                async for document in cursor:
                    track = _track(document)
                    found |= dict.fromkeys(track.recording_mbids, track)
        return {each: found[each] for each in recording_mbids if each in found}

    async def search(self, text: str, limit: int) -> list[Track]:
        """See `TrackCatalogue.search`."""
        prefix = normalised(text)
        if not prefix or limit < 1:
            return []
        begins = {"$gte": prefix, "$lt": prefix + _LAST_CHARACTER}
        either = {"$or": [{"artist_key": begins}, {"track_key": begins}]}
        with mongo_answers(_REMEDY):
            cursor = self._tracks.find(either).sort("_id", 1).limit(min(limit, SEARCH_LIMIT_MAX))
            return [_track(document) async for document in cursor]

    async def close(self) -> None:
        """See `TrackCatalogue.close`."""
        self._client.close()


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
    added = {"source_track_ids": {"$each": list(track.source_track_ids)}}
    if track.recording_mbids:
        added["recording_mbids"] = {"$each": track.recording_mbids}
    update: dict[str, Any] = {"$addToSet": added}
    return UpdateOne(
        {"_id": track.track_id}, update | ({"$set": known} if known else {}), upsert=True
    )


def _bounds(tracks: Sequence[Track]) -> list[UpdateMany]:
    """Limits sets of ids that have grown too long, in the same call as the upserts."""
    written = {"$in": [track.track_id for track in tracks]}
    cut = {"$each": [], "$sort": 1, "$slice": SOURCE_TRACK_IDS_MAX}
    return [
        UpdateMany(
            {"_id": written, f"{ids}.{SOURCE_TRACK_IDS_MAX}": {"$exists": True}},
            {"$push": {ids: cut}},
        )
        for ids in ("source_track_ids", "recording_mbids")
    ]


def _track(document: dict[str, Any]) -> Track:
    return Track(track_id=document["_id"], **document)
