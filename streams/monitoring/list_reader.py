"""Reads lists and the names of their tracks, to show them to users."""

from typing import Self

from streams.addresses import Addresses, shown
from streams.lists.list_store import StoredList
from streams.lists.served_lists import ServedLists
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.redis_refusals import redis_error
from streams.settings import Settings
from streams.tracks.mongo_track_catalogue import MongoTrackCatalogue
from streams.tracks.track_names import TrackNames


class ListReader:
    """Reader of the lists that listeners are served; use as an async context manager."""

    def __init__(self, settings: Settings, addresses: Addresses) -> None:
        self._url = shown(addresses.redis)
        self._redis = redis_of(addresses)
        self._lists = ServedLists(settings, self._redis)
        self._names = TrackNames(MongoTrackCatalogue(addresses.mongo) if addresses.mongo else None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()
        await self._names.close()

    async def read(self, listener_id: str) -> StoredList | None:
        """The listener's list, or the fallback list. `ServerError` while Redis is unavailable."""
        try:
            return await self._lists.read(listener_id)
        except REDIS_UNAVAILABLE as error:
            raise redis_error(self._url, error) from error

    async def name(self, track_id: str) -> str:
        """What to call one track."""
        return (await self._names.names_of([track_id]))[track_id]

    async def names(self, stored: StoredList | None) -> dict[str, str]:
        """What to call each track of a list: its id where the catalogue knows nothing."""
        return await self._names.names_of(
            [item.track_id for item in stored.items] if stored else []
        )
