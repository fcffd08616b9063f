"""People and tokens in a real MongoDB, and the directory that knows them from memory."""

import uuid
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from streams.people.mongo_people import MongoPeople
from streams.people.people_directory import PeopleDirectory


@pytest.fixture
def prefix() -> str:
    """Begins the names of an installation of one's own."""
    return f"test-{uuid.uuid4().hex[:8]}."


@pytest.fixture
async def people(mongo_url: str, prefix: str) -> AsyncIterator[MongoPeople]:
    store = MongoPeople(mongo_url, prefix=prefix)
    yield store
    await store.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def directory(people: MongoPeople, redis: Redis, prefix: str) -> PeopleDirectory:
    directory = PeopleDirectory(people, redis, prefix)
    await directory.load()
    return directory


async def test_a_token_works_as_soon_as_it_was_created(
    people: MongoPeople, directory: PeopleDirectory
) -> None:
    ann = await people.add("ann", public_reads=True)
    token, _ = await people.create_token("ann", "phone")
    assert await directory.person_of(token) == ann
    assert await directory.person_of(token.upper()) == ann
    assert await directory.person("ann") == ann
