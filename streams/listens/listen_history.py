"""Listens and feedback of people in MongoDB, by person and time."""

import time
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from pymongo import DeleteMany, ReplaceOne

from streams.mongo_client import DATABASE, mongo_answers, mongo_client
from streams.mongo_indexes import Index, create_missing_indexes, prefixed

LISTENS, FEEDBACK, POSITIONS = "listens", "feedback", "listen_positions"
IMPORTS = "latest_imports"
_OF_LISTENER, _NEWEST_FIRST = ("listener_id", 1), ("listened_at", -1)
HISTORY_INDEXES = (
    Index(LISTENS, "listener_time", (_OF_LISTENER, _NEWEST_FIRST)),
    Index(LISTENS, "listener_log", (_OF_LISTENER, ("log_position", 1))),
    Index(LISTENS, "listener_track", (_OF_LISTENER, ("track_id", 1))),
    Index(LISTENS, "listener_mbid", (_OF_LISTENER, ("recording_mbid", 1), _NEWEST_FIRST)),
    Index(FEEDBACK, "listener_created", (_OF_LISTENER, ("created_at", -1))),
)
REMEDY = "Ask again later; what was submitted is kept."
_POSITION = "newest"
_WRITES_A_CALL_MAX = 500


class Listen(NamedTuple):
    """A play that counts. Times in ms; unknown is None."""

    listener_id: str
    event_key: str
    track_id: str
    listened_at: int
    recorded_at: int
    """When the broker recorded it."""
    recording_msid: str
    artist_name: str | None = None
    track_name: str | None = None
    release_name: str | None = None
    duration_ms: int | None = None
    recording_mbid: str | None = None
    source: str = ""
    ms_played: int | None = None
    log_position: int = -1
    """Its place in the log's order; see `log_position_of`."""
    additional_info: str = ""
    """A JSON object with what else the source said; empty if nothing."""


class Feedback(NamedTuple):
    """What a listener thinks of a track: 1 (love), -1 (hate), or 0 (no longer either)."""

    listener_id: str
    track_id: str
    score: int
    created_at: int
    recording_msid: str
    recording_mbid: str | None = None


class Retracted(NamedTuple):
    """A play that its listener takes back."""

    listener_id: str
    track_id: str
    listened_at: int


class Erased(NamedTuple):
    """A listener of whom everything goes that was there at `recorded_at` (ms)."""

    listener_id: str
    recorded_at: int


HistoryChange = Listen | Feedback | Retracted | Erased


class HistoryPosition(NamedTuple):
    """The history has the rows of these people up to this offset of this log."""

    log: str
    offset: int
    people: frozenset[str]


NOTHING = HistoryPosition("", -1, frozenset())
_ROWS_A_RECORD = 1 << 20
_LOOKED_BACK_MS = tuple(days * 86_400_000 for days in (1, 7, 90))
"""A page of newest listens is looked for within these first: the embedded server sorts in memory
whatever lies between the bounds of a query."""
FEEDBACK_OF_RECORDINGS_MAX = 10_000
"""One recording may be several tracks: artists are spelled in several ways."""


def log_position_of(offset: int, row: int) -> int:
    """The place of a row of the log record at `offset` among all rows."""
    return offset * _ROWS_A_RECORD + row


class ListenHistory:
    """Listens of people; `prefix` begins the names of its collections.

    Methods raise `ServerError` while MongoDB is unavailable. Changes come before the position that
    has them: whoever is killed in between writes the same again, and each is one document.
    """

    def __init__(self, url: str, *, prefix: str = "") -> None:
        self._client = mongo_client(url)
        self._database = self._client[DATABASE]
        self._prefix = prefix

    async def prepare(self) -> None:
        """Creates the indexes that are missing."""
        with mongo_answers(REMEDY):
            await create_missing_indexes(self._database, prefixed(HISTORY_INDEXES, self._prefix))

    async def write(self, changes: Sequence[HistoryChange]) -> None:
        """Writes changes in their order. The same again, and what follows, changes nothing."""
        with mongo_answers(REMEDY):
            for collection, writes in _grouped(changes):
                for start in range(0, len(writes), _WRITES_A_CALL_MAX):
                    part = writes[start : start + _WRITES_A_CALL_MAX]
                    await self._collection(collection).bulk_write(part, ordered=True)

    async def move(self, position: HistoryPosition) -> None:
        """Notes what the history has, once it was written."""
        stored = {"log": position.log, "offset": position.offset}
        with mongo_answers(REMEDY):
            await self._collection(POSITIONS).replace_one(
                {"_id": _POSITION}, {**stored, "people": sorted(position.people)}, upsert=True
            )

    async def forget(self, listener_id: str) -> None:
        """Deletes the listens and the feedback of a listener."""
        with mongo_answers(REMEDY):
            for name in (LISTENS, FEEDBACK):
                await self._collection(name).delete_many({"listener_id": listener_id})

    async def forget_import(self, listener_id: str, until_ms: int) -> None:
        """Deletes what `note_import` noted up to a time."""
        wanted = {"_id": listener_id, "noted_at": {"$not": {"$gt": until_ms}}}
        with mongo_answers(REMEDY):
            await self._collection(IMPORTS).delete_one(wanted)

    async def strangers(self, people: Collection[str]) -> list[str]:
        """Listeners who are in the history, although they are not of `people`."""
        found: set[str] = set()
        with mongo_answers(REMEDY):
            for name in (LISTENS, FEEDBACK):
                found |= {*await self._collection(name).distinct("listener_id")}
        return sorted(found.difference(people))

    async def position(self) -> HistoryPosition:
        """The position that was written last; `NOTHING` if there is none."""
        with mongo_answers(REMEDY):
            found = await self._collection(POSITIONS).find_one({"_id": _POSITION})
        if not found:
            return NOTHING
        return HistoryPosition(found["log"], int(found["offset"]), frozenset(found["people"]))

    async def reaches(self, listener_id: str, offset: int) -> bool:
        """Whether everything of a person up to a log offset is written."""
        position = await self.position()
        return listener_id in position.people and position.offset >= offset

    async def listens(
        self,
        listener_id: str,
        *,
        count: int,
        after_ms: int | None = None,
        before_ms: int | None = None,
    ) -> list[Listen]:
        """Up to `count` listens, newest first; both bounds are exclusive.

        Given `after_ms` alone, they are those that follow it, as ListenBrainz pages forward.
        """
        if after_ms is not None and before_ms is None:
            return (await self._between(listener_id, after_ms, None, count, 1))[::-1]
        end_ms = time.time_ns() // 1_000_000 if before_ms is None else before_ms
        starts = [end_ms - each for each in _LOOKED_BACK_MS]
        for start in [each for each in starts if after_ms is None or each > after_ms]:
            found = await self._between(listener_id, start, before_ms, count, -1)
            if len(found) == count:
                return found
        return await self._between(listener_id, after_ms, before_ms, count, -1)

    async def _between(
        self, listener_id: str, after_ms: int | None, before_ms: int | None, count: int, order: int
    ) -> list[Listen]:
        """The first `count` listens between two times by their time, from the end that is asked."""
        bounds = {"$gt": after_ms, "$lt": before_ms}
        given = {name: each for name, each in bounds.items() if each is not None}
        wanted = {"listener_id": listener_id, **({"listened_at": given} if given else {})}
        with mongo_answers(REMEDY):
            cursor = self._collection(LISTENS).find(wanted).sort("listened_at", order)
            return [_listen(document) for document in await page_of(cursor, count)]

    async def following(
        self, listener_id: str, log_position: int, *, since_ms: int, count: int
    ) -> list[Listen]:
        """Up to `count` listens after a place in the log, in its order, recorded at or after."""
        wanted = _following(listener_id, log_position, since_ms)
        with mongo_answers(REMEDY):
            cursor = self._collection(LISTENS).find(wanted).sort("log_position", 1)
            return [_listen(document) for document in await page_of(cursor, count)]

    async def count_following(self, listener_id: str, log_position: int, *, since_ms: int) -> int:
        """How many listens there are after a place in the log, recorded at or after."""
        wanted = _following(listener_id, log_position, since_ms)
        with mongo_answers(REMEDY):
            return int(await self._collection(LISTENS).count_documents(wanted))

    async def at(self, listener_id: str, listened_at_ms: int) -> list[Listen]:
        """The listens of the second that begins at `listened_at_ms`."""
        return await self.listens(
            listener_id, count=100, after_ms=listened_at_ms - 1, before_ms=listened_at_ms + 1_000
        )

    async def count(self, listener_id: str) -> int:
        """Number of listens."""
        with mongo_answers(REMEDY):
            return int(
                await self._collection(LISTENS).count_documents({"listener_id": listener_id})
            )

    async def bounds(self, listener_id: str) -> tuple[int, int]:
        """Times of the oldest and the newest listen, ms; 0 and 0 if there is none."""
        newest = await self.listens(listener_id, count=1)
        oldest = await self.listens(listener_id, count=1, after_ms=-1)
        return (oldest[0].listened_at, newest[0].listened_at) if newest and oldest else (0, 0)

    async def with_id(self, listener_id: str, field: str, recording: str) -> Listen | None:
        """The newest listen whose `field`, `recording_msid` or `recording_mbid`, is `recording`."""
        with mongo_answers(REMEDY):
            cursor = self._collection(LISTENS).find({"listener_id": listener_id, field: recording})
            found = [_listen(each) async for each in cursor.sort("listened_at", -1).limit(1)]
        return found[0] if found else None

    async def tracks_of_recordings(
        self, listener_id: str, recording_mbids: Sequence[str]
    ) -> dict[str, str]:
        """Track ids by MusicBrainz id, of the recordings that the listener has heard.

        A recording that had several names is the track of its newest listen.
        """
        wanted = {"listener_id": listener_id, "recording_mbid": {"$in": [*recording_mbids]}}
        newest = {"_id": "$recording_mbid", "track_id": {"$first": "$track_id"}}
        steps = [{"$match": wanted}, {"$sort": {"listened_at": -1}}, {"$group": newest}]
        with mongo_answers(REMEDY):
            found = self._collection(LISTENS).aggregate(steps)
            return {each["_id"]: each["track_id"] async for each in found}

    async def has_feedback(self, feedback: Feedback) -> bool:
        """Whether this feedback, or newer one, is written."""
        wanted = {
            "listener_id": feedback.listener_id,
            "track_id": feedback.track_id,
            "created_at": {"$gte": feedback.created_at},
        }
        with mongo_answers(REMEDY):
            return await self._collection(FEEDBACK).find_one(wanted) is not None

    async def heard(self, listener_id: str, track_ids: Sequence[str]) -> set[str]:
        """Those of `track_ids` that the listener has heard."""
        wanted = {"listener_id": listener_id, "track_id": {"$in": [*track_ids]}}
        with mongo_answers(REMEDY):
            return {*await self._collection(LISTENS).distinct("track_id", wanted)}

    async def note_import(self, listener_id: str, ts: int, now_ms: int) -> None:
        """Notes up to which second an importer has come; an earlier one changes nothing."""
        noted = {"ts": ts, "noted_at": now_ms}
        with mongo_answers(REMEDY):
            await self._collection(IMPORTS).update_one(
                {"_id": listener_id}, {"$max": noted}, upsert=True
            )

    async def latest_import(self, listener_id: str) -> int:
        """Up to which second an importer has come; 0 if none has."""
        with mongo_answers(REMEDY):
            found = await self._collection(IMPORTS).find_one({"_id": listener_id})
        return int(found["ts"]) if found else 0

    async def feedback(
        self, listener_id: str, *, score: int | None, count: int, offset: int
    ) -> tuple[list[Feedback], int]:
        """Feedback, newest first, and how many there are."""
        wanted: dict[str, Any] = {"listener_id": listener_id, "score": {"$ne": 0}}
        if score is not None:
            wanted["score"] = score
        collection = self._collection(FEEDBACK)
        with mongo_answers(REMEDY):
            total = int(await collection.count_documents(wanted))
            cursor = collection.find(wanted).sort("created_at", -1).skip(offset)
            found = [_feedback(document) for document in await page_of(cursor, count)]
        return found, total

    async def feedback_for(self, listener_id: str, recordings: Sequence[str]) -> list[Feedback]:
        """The feedback for recordings, which are named by MBID or MSID; the newest comes last."""
        named = {"$in": [*recordings]}
        fields = ("recording_mbid", "recording_msid", "track_id")
        wanted = {
            "listener_id": listener_id,
            "score": {"$ne": 0},
            "$or": [{field: named} for field in fields],
        }
        with mongo_answers(REMEDY):
            cursor = self._collection(FEEDBACK).find(wanted).sort("created_at", -1)
            found = await page_of(cursor, FEEDBACK_OF_RECORDINGS_MAX)
        return [_feedback(document) for document in reversed(found)]

    def _collection(self, name: str) -> Any:
        return self._database[self._prefix + name]

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()


def _grouped(changes: Sequence[HistoryChange]) -> list[tuple[str, list[Any]]]:
    """The writes of changes by collection: in their order within each."""
    listens: list[Any] = []
    feedback: list[Any] = []
    for change in changes:
        match change:
            case Listen():
                listens.append(_upsert(change, f"{change.listener_id}\x00{change.event_key}"))
            case Retracted():
                listens.append(DeleteMany(change._asdict()))
            case Feedback():
                feedback.append(_upsert(change, f"{change.listener_id}\x00{change.track_id}"))
            case Erased():
                for writes in (listens, feedback):
                    writes.append(DeleteMany({"listener_id": change.listener_id}))
    return [(name, each) for name, each in ((LISTENS, listens), (FEEDBACK, feedback)) if each]


def _upsert(change: Listen | Feedback, key: str) -> Any:
    return ReplaceOne({"_id": key}, change._asdict(), upsert=True)


def _following(listener_id: str, log_position: int, since_ms: int) -> dict[str, Any]:
    return {
        "listener_id": listener_id,
        "log_position": {"$gt": log_position},
        "recorded_at": {"$gte": since_ms},
    }


async def page_of(cursor: Any, count: int) -> list[dict[str, Any]]:
    """The first `count` documents of a cursor; to MongoDB, a limit of 0 would mean all of them."""
    return [each async for each in cursor.limit(count)] if count else []


def _feedback(document: dict[str, Any]) -> Feedback:
    return Feedback(*(document[name] for name in Feedback._fields))


def _listen(document: dict[str, Any]) -> Listen:
    return Listen(**{name: document[name] for name in Listen._fields if name in document})
