"""Compares the indexes that stores declare with the live database, and creates what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pymongo
from motor.motor_asyncio import AsyncIOMotorDatabase

from streams.mongo_client import DATABASE, mongo_answers, mongo_client

BUILT_WITHIN_S = 600.0
"""How long an index of many documents may take: no other call of a client may take so long."""


@dataclass(frozen=True)
class Index:
    """A declared index; `keys` are (field, 1 or -1) in order."""

    collection: str
    name: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False


def prefixed(indexes: Sequence[Index], prefix: str) -> tuple[Index, ...]:
    """The indexes on the collections whose names begin with `prefix`."""
    return tuple(replace(each, collection=prefix + each.collection) for each in indexes)


def is_as_declared(index: Index, found: Mapping[str, Any] | None) -> bool:
    """Whether `found`, the description of the live index of this name, is the declared one."""
    if found is None:
        return False
    keys = tuple((field, int(direction)) for field, direction in found["key"])
    return keys == index.keys and bool(found.get("unique", False)) == index.unique


async def missing_indexes(
    database: AsyncIOMotorDatabase[Any], indexes: Sequence[Index]
) -> list[Index]:
    """Those of `indexes` that are missing in the database, or are different there."""
    live = await _live_indexes(database, indexes)
    return [
        each for each in indexes if not is_as_declared(each, live[each.collection].get(each.name))
    ]


async def lacked_indexes(url: str, indexes: Sequence[Index], remedy: str) -> list[Index]:
    """Missing indexes of collections that exist: what does not will be created with all of them.

    Raises `ServerError` with this remedy if MongoDB is unavailable.
    """
    client = mongo_client(url)
    try:
        with mongo_answers(remedy):
            live = await _live_indexes(client[DATABASE], indexes)
            missing = await missing_indexes(client[DATABASE], indexes)
    finally:
        client.close()
    return [each for each in missing if live[each.collection]]


async def create_missing_indexes(
    database: AsyncIOMotorDatabase[Any], indexes: Sequence[Index]
) -> list[Index]:
    """Creates missing indexes, recreates different ones, and returns both."""
    missing = await missing_indexes(database, indexes)
    for index in missing:
        collection = database[index.collection]
        if index.name in await collection.index_information():
            await collection.drop_index(index.name)
        with pymongo.timeout(BUILT_WITHIN_S):
            await collection.create_index(list(index.keys), name=index.name, unique=index.unique)
    return missing


async def _live_indexes(
    database: AsyncIOMotorDatabase[Any], indexes: Sequence[Index]
) -> dict[str, Mapping[str, Any]]:
    """The live indexes of each collection, by name; none if it does not exist."""
    return {
        collection: await database[collection].index_information()
        for collection in {index.collection for index in indexes}
    }
