"""Relays in MongoDB: where to, with which token, how far, and what was set aside."""

from dataclasses import asdict, fields
from typing import Any

from streams.listens.listen_history import REMEDY, Listen
from streams.mongo_client import DATABASE, mongo_answers, mongo_client
from streams.relaying.relay import Relay

RELAYS, REFUSED = "relays", "relay_refusals"
_NAMES = [each.name for each in fields(Relay)]


class RelayStore:
    """`prefix` begins the names of the collections.

    Methods raise `ServerError` while MongoDB is unavailable.
    """

    def __init__(self, url: str, *, prefix: str = "") -> None:
        self._client = mongo_client(url)
        database = self._client[DATABASE]
        self._relays, self._refused = database[prefix + RELAYS], database[prefix + REFUSED]

    async def add(self, relay: Relay) -> bool:
        """Adds a relay; one that exists gets the new token and sources. Whether it is new."""
        given = (
            *("token", "api_key", "secret", "kind"),
            *("only", "without", "url", "added_at"),
        )
        chosen = {name: getattr(relay, name) for name in given}
        again = {"waits_until": 0, "said": "", "is_stopped": False}
        fresh = {name: each for name, each in asdict(relay).items() if name not in chosen}
        fresh = {name: each for name, each in fresh.items() if name not in again}
        now = {**chosen, **again}
        with mongo_answers(REMEDY):
            done = await self._relays.update_one(
                {"_id": relay.relay_id}, {"$set": now, "$setOnInsert": fresh}, upsert=True
            )
        return done.upserted_id is not None

    async def all(self) -> list[Relay]:
        """All relays, by id."""
        with mongo_answers(REMEDY):
            return [_relay(each) async for each in self._relays.find({}).sort("_id", 1)]

    async def change(self, relay_id: str, **changes: Any) -> bool:
        """Changes fields of a relay; whether there is one."""
        with mongo_answers(REMEDY):
            done = await self._relays.update_one({"_id": relay_id}, {"$set": changes})
        return bool(done.matched_count)

    async def stop(self, relay: Relay, why: str) -> None:
        """Stops a relay, unless it was added anew meanwhile: then its keys are other ones."""
        at = {"_id": relay.relay_id, "added_at": relay.added_at}
        with mongo_answers(REMEDY):
            await self._relays.update_one(at, {"$set": {"is_stopped": True, "said": why}})

    async def move(self, relay: Relay, moved: Relay) -> bool:
        """Replaces how far a relay has come, if nobody else has moved it since it was read.

        If it was removed meanwhile, what was set aside since then goes, too. One that only waits
        does not if it was added anew meanwhile: its keys are other ones.
        """
        at = {"_id": relay.relay_id, "log": relay.log, "position": relay.position}
        if (relay.log, relay.position) == (moved.log, moved.position):
            at["added_at"] = relay.added_at
        names = (
            *("log", "position", "recent", "delivered", "refused"),
            *("failures", "waits_until", "said"),
        )
        with mongo_answers(REMEDY):
            done = await self._relays.update_one(
                at, {"$set": {name: getattr(moved, name) for name in names}}
            )
            if not done.matched_count and not await self._relays.find_one({"_id": relay.relay_id}):
                await self._refused.delete_many({"relay_id": relay.relay_id})
        return bool(done.matched_count)

    async def set_aside(self, relay: Relay, listen: Listen, why: str) -> None:
        """Keeps a listen that the service refuses, with its reason."""
        document = {"relay_id": relay.relay_id, "why": why, "listen": listen._asdict()}
        key = {"_id": f"{relay.relay_id}\x00{listen.event_key}"}
        with mongo_answers(REMEDY):
            await self._refused.replace_one(key, document, upsert=True)

    async def refused(self, relay_id: str) -> list[dict[str, Any]]:
        """The listens that were set aside, with their reasons."""
        with mongo_answers(REMEDY):
            found = self._refused.find({"relay_id": relay_id}).limit(1_000)
            return [{"why": each["why"], **each["listen"]} async for each in found]

    async def remove(self, relay_id: str) -> bool:
        """Removes a relay with its token and what was set aside; whether there was one."""
        with mongo_answers(REMEDY):
            await self._refused.delete_many({"relay_id": relay_id})
            return bool((await self._relays.delete_one({"_id": relay_id})).deleted_count)

    async def forget(self, person: str, until_ms: int) -> None:
        """Removes all relays of a person that were added by a time."""
        for relay in await self.all():
            if relay.person == person and relay.added_at <= until_ms:
                await self.remove(relay.relay_id)

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()


def _relay(document: dict[str, Any]) -> Relay:
    known = {name: document[name] for name in _NAMES if name in document}
    lists = {name: tuple(known.get(name, ())) for name in ("only", "without", "recent")}
    return Relay(**{**known, **lists})
