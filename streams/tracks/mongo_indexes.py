"""Declares all indexes in MongoDB, compares them with the live database, and creates them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

TRACKS = "tracks"


@dataclass(frozen=True)
class Index:
    """A declared index; `keys` are (field, 1 or -1) in order."""

    collection: str
    name: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False


INDEXES = (
    Index(TRACKS, "artist_key", (("artist_key", 1),)),
    Index(TRACKS, "track_key", (("track_key", 1),)),
)


def is_as_declared(index: Index, found: Mapping[str, Any] | None) -> bool:
    """Whether `found`, the description of the live index of this name, is the declared one."""
    if found is None:
        return False
    keys = tuple((field, int(direction)) for field, direction in found["key"])
    return keys == index.keys and bool(found.get("unique", False)) == index.unique


async def missing_indexes(database: AsyncIOMotorDatabase[Any]) -> list[Index]:
    """The declared indexes that are missing in the database, or are different there."""
    live = {
        collection: await database[collection].index_information()
        for collection in {index.collection for index in INDEXES}
    }
    return [
        each for each in INDEXES if not is_as_declared(each, live[each.collection].get(each.name))
    ]


async def create_missing_indexes(database: AsyncIOMotorDatabase[Any]) -> list[Index]:
    """Creates missing indexes, recreates different ones, and returns both."""
    missing = await missing_indexes(database)
    for index in missing:
        collection = database[index.collection]
        if index.name in await collection.index_information():
            await collection.drop_index(index.name)
        await collection.create_index(list(index.keys), name=index.name, unique=index.unique)
    return missing
