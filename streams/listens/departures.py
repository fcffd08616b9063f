"""People who were removed, until the service has forgotten what it keeps of them."""

import time

from streams.listens.listen_history import REMEDY
from streams.mongo_client import DATABASE, mongo_answers, mongo_client

DEPARTURES = "departures"


class Departures:
    """Names in MongoDB; methods raise `ServerError` while it is unavailable."""

    def __init__(self, url: str, *, prefix: str = "") -> None:
        self._client = mongo_client(url)
        self._departures = self._client[DATABASE][prefix + DEPARTURES]

    async def note(self, name: str) -> None:
        """Notes that everything of `name` up to now has to go."""
        with mongo_answers(REMEDY):
            await self._departures.replace_one(
                {"_id": name}, {"at": time.time_ns() // 1_000_000}, upsert=True
            )

    async def all(self) -> dict[str, int]:
        """When (ms) people were removed, by name."""
        with mongo_answers(REMEDY):
            return {each["_id"]: int(each["at"]) async for each in self._departures.find({})}

    async def done(self, name: str, at_ms: int) -> None:
        """Notes that everything of `name` up to `at_ms` is gone."""
        with mongo_answers(REMEDY):
            await self._departures.delete_one({"_id": name, "at": at_ms})

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()
