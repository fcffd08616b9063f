"""What an installation knows of its people that no log has: read whole, and brought back.

These are accounts, digests of tokens, relays with their tokens, what relays set aside, playlists as
they were made, and marks of imports. Documents are MongoDB's own, so that a field that a later
version adds is there, too.
"""

from collections.abc import Mapping
from typing import Any

from bson import json_util
from pymongo import UpdateOne

from streams.mongo_client import DATABASE, mongo_answers, mongo_client

COLLECTIONS = ("people", "tokens", "relays", "relay_refusals", "playlists", "latest_imports")
_REMEDY = "Run `echotune up`, or set ECHOTUNE_MONGO to one that does."
_VERSION = ("people-version", "people")

Document = dict[str, Any]
Documents = Mapping[str, list[Document]]
"""The documents of each collection."""


class AccountDocuments:
    """The documents of an installation; `prefix` begins the names of its collections.

    Methods raise `ServerError` while MongoDB is unavailable.
    """

    def __init__(self, url: str, *, prefix: str = "") -> None:
        self._client = mongo_client(url)
        self._prefix = prefix

    async def all(self) -> dict[str, list[Document]]:
        """Every document, by id."""
        with mongo_answers(_REMEDY):
            return {
                name: [each async for each in self._collection(name).find({}).sort("_id", 1)]
                for name in COLLECTIONS
            }

    async def add(self, documents: Documents) -> int:
        """Adds what is not there, changes nothing that is, and returns how many were added."""
        added = 0
        with mongo_answers(_REMEDY):
            for name, found in documents.items():
                writes = [_insertion(each) for each in found]
                if writes:
                    done = await self._collection(name).bulk_write(writes, ordered=False)
                    added += int(done.upserted_count)
            collection, key = _VERSION
            await self._collection(collection).update_one(
                {"_id": key}, {"$inc": {"number": 1}}, upsert=True
            )
        return added

    def _collection(self, name: str) -> Any:
        return self._client[DATABASE][self._prefix + name]

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()


def _insertion(document: Document) -> UpdateOne:
    fields = {name: each for name, each in document.items() if name != "_id"}
    return UpdateOne({"_id": document["_id"]}, {"$setOnInsert": fields}, upsert=True)


def extended_json(documents: Documents) -> str:
    """Documents as MongoDB's extended JSON, in which no type is lost."""
    return json_util.dumps(documents, sort_keys=True)


def documents_in(text: str) -> dict[str, list[Document]]:
    """The documents of `extended_json`; raises `ValueError` if the text is none."""
    found: dict[str, list[Document]] = json_util.loads(text)
    return found
