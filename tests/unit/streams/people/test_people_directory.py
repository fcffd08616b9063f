"""The directory knows people from memory, and asks for who is unknown; without servers."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from streams.people import people_directory
from streams.people.mongo_people import MongoPeople
from streams.people.people import Person, Token, new_token
from streams.people.people_directory import READINGS_A_SECOND, USE_EVERY_S, PeopleDirectory
from tests.support.people import a_token_of
from topics.errors import ServerError

ANN = Person("ann", created_at=1)
START_S = 1_700_000_000.0


class AStore:
    """Stands in for MongoDB: counts readings, and fails or hangs when told to."""

    def __init__(self) -> None:
        self.found: tuple[list[Person], list[Token]] = ([ANN], [])
        self.number = 0
        self.versions = 0
        self.readings = 0
        self.is_away = False
        self.hangs: asyncio.Event | None = None
        self.used: list[dict[str, int]] = []
        self.notes: list[dict[str, int]] = []
        """All that was to be noted, even if nothing was or it failed."""

    async def version(self) -> int:
        self.versions += 1
        number = self.number
        if self.hangs is not None:
            await self.hangs.wait()
        if self.is_away:
            raise ServerError("MongoDB is away.")
        return number

    async def people(self) -> list[Person]:
        self.readings += 1
        return list(self.found[0])

    async def tokens(self, name: str | None = None) -> list[Token]:
        await asyncio.sleep(0)
        return list(self.found[1])

    async def note_used(self, used: dict[str, int]) -> None:
        self.notes.append(dict(used))
        if self.is_away:
            raise ServerError("MongoDB is away.")
        if used:
            self.used.append(dict(used))

    def give(self, person: str, **changes: Any) -> str:
        """Creates a token."""
        token, stored = a_token_of(person, **changes)
        self.found[1].append(stored)
        self.number += 1
        return token


class AClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = START_S

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> AStore:
    return AStore()


@pytest.fixture
def clock() -> AClock:
    return AClock()


@pytest.fixture
def directory(store: AStore, clock: AClock) -> PeopleDirectory:
    """A directory whose Redis does not answer: polling has to do."""
    no_redis = Redis(host="127.0.0.1", port=1)
    return PeopleDirectory(cast(MongoPeople, store), no_redis, clock=clock)


async def until(is_enough: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_enough():
            await asyncio.sleep(0.01)


async def test_a_known_token_waits_for_no_server(directory: PeopleDirectory, store: AStore) -> None:
    token = store.give("ann")
    await directory.load()
    store.hangs = asyncio.Event()
    before = store.versions
    assert await directory.person_of(token) == ANN
    assert store.versions == before


async def test_a_token_that_was_created_during_a_reading_is_found(
    directory: PeopleDirectory, store: AStore
) -> None:
    await directory.load()
    store.hangs = asyncio.Event()
    earlier = asyncio.create_task(directory.person_of(new_token()))
    await until(lambda: store.versions == 2)
    token = store.give("ann")
    asked = asyncio.create_task(directory.person_of(token))
    await asyncio.sleep(0)
    store.hangs.set()
    assert await earlier is None
    assert await asked == ANN


async def test_a_change_while_all_is_read_is_read_again(
    directory: PeopleDirectory, store: AStore
) -> None:
    bob = Person("bob")
    read_people = store.people

    async def people_then_a_change() -> list[Person]:
        found = await read_people()
        if bob not in store.found[0]:
            store.found[0].append(bob)
            store.number += 1
        return found

    store.people = people_then_a_change  # type: ignore[method-assign]
    await directory.load()
    assert await directory.person("bob") == bob


async def test_a_flood_of_unknown_tokens_shares_readings_and_reads_nothing_unchanged(
    directory: PeopleDirectory, store: AStore
) -> None:
    await directory.load()
    flood = [directory.person_of(new_token()) for _ in range(500)]
    assert await asyncio.gather(*flood) == [None] * 500
    assert store.versions == 2
    assert store.readings == 1


async def test_there_are_at_most_so_many_readings_a_second(
    directory: PeopleDirectory, store: AStore
) -> None:
    await directory.load()
    began = asyncio.get_running_loop().time()
    for _ in range(READINGS_A_SECOND):
        assert await directory.person("nobody") is None
    assert store.versions == READINGS_A_SECOND + 1
    assert asyncio.get_running_loop().time() - began > 0.9  # what cannot be measured too early


async def test_what_has_no_form_of_a_token_is_refused_unread(
    directory: PeopleDirectory, store: AStore
) -> None:
    await directory.load()
    assert await directory.person_of("secret") is None
    assert store.versions == 1


async def test_a_rotated_token_ends_with_its_grace_time(
    directory: PeopleDirectory, store: AStore, clock: AClock
) -> None:
    token = store.give("ann", expires_at=int(START_S * 1_000) + 60_000)
    await directory.load()
    clock.now += 59
    assert await directory.person_of(token) == ANN
    clock.now += 1
    assert await directory.person_of(token) is None


async def test_who_was_known_is_known_in_an_outage_and_who_was_not_is_refused(
    directory: PeopleDirectory, store: AStore
) -> None:
    token = store.give("ann")
    await directory.load()
    assert directory.is_fresh
    store.is_away = True
    assert await directory.person_of(new_token()) is None
    assert not directory.is_fresh
    assert await directory.person_of(token) == ANN
    store.is_away = False
    assert await directory.person_of(store.give("ann")) == ANN
    assert directory.is_fresh


async def test_an_unknown_token_does_not_wait_for_a_store_that_hangs(
    directory: PeopleDirectory, store: AStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_directory, "PATIENCE_S", 0.05)
    await directory.load()
    store.hangs = asyncio.Event()
    async with asyncio.timeout(5):
        assert await directory.person_of(new_token()) is None
    store.hangs.set()


@pytest.mark.parametrize("ask", ["load", "run", "person_of", "person"])
async def test_a_first_start_without_the_store_is_an_error(
    ask: str, directory: PeopleDirectory, store: AStore
) -> None:
    store.is_away = True
    arguments = [new_token()] if ask.startswith("person") else []
    with pytest.raises(ServerError, match="MongoDB is away"):
        await getattr(directory, ask)(*arguments)


async def test_a_request_before_the_first_reading_waits_for_it(
    directory: PeopleDirectory, store: AStore
) -> None:
    assert await directory.person_of(store.give("ann")) == ANN


async def test_polling_finds_a_revocation_without_redis(
    directory: PeopleDirectory, store: AStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_directory, "POLL_S", 0.05)
    token = store.give("ann")
    running = asyncio.create_task(directory.run())
    assert await directory.person_of(token) == ANN
    store.found[1].clear()
    store.number += 1
    await until(lambda: store.readings == 2)
    assert await directory.person_of(token) is None
    running.cancel()


async def test_a_change_that_nobody_counted_is_found_in_time(
    directory: PeopleDirectory, store: AStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_directory, "READ_ALL_S", 0.0)
    token = store.give("ann")
    await directory.load()
    store.found[1].clear()
    await directory.person("nobody")
    assert await directory.person_of(token) is None


async def test_the_use_of_a_token_is_stored_at_most_once_a_minute(
    directory: PeopleDirectory, store: AStore, clock: AClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_directory, "POLL_S", 0.01)
    token = store.give("ann")
    running = asyncio.create_task(directory.run())
    for _ in range(3):
        await directory.person_of(token)
    await until(lambda: len(store.used) == 1)
    clock.now += USE_EVERY_S - 1
    await directory.person_of(token)
    noted = len(store.notes)
    await until(lambda: len(store.notes) >= noted + 2)
    clock.now += 1
    await directory.person_of(token)
    await until(lambda: len(store.used) == 2)
    running.cancel()
    times = [at for each in store.used for at in each.values()]
    assert times == [int(START_S * 1_000), int((START_S + USE_EVERY_S) * 1_000)]


async def test_uses_in_an_outage_are_stored_after_it(
    directory: PeopleDirectory, store: AStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_directory, "POLL_S", 0.01)
    token = store.give("ann")
    running = asyncio.create_task(directory.run())
    await directory.load()
    store.is_away = True
    await until(lambda: not directory.is_fresh)
    await directory.person_of(token)
    await until(lambda: len([each for each in store.notes if each]) >= 2)
    store.is_away = False
    await until(lambda: store.used != [])
    assert [*store.used[0].values()] == [int(START_S * 1_000)]
    running.cancel()
