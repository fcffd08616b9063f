"""People and tokens in a real MongoDB, and the directory that knows them from memory."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from redis.asyncio import Redis

from infra.daemon import LOOPBACK
from streams.mongo_client import DATABASE
from streams.people import people_directory
from streams.people.mongo_people import GRACE_MAX_MS, LABEL_LENGTH_MAX, MongoPeople
from streams.people.people import Person, digest_of
from streams.people.people_directory import PeopleDirectory, announce, channel_of
from tests.support.tcp_proxy import TcpProxy
from topics.errors import EchoTuneError, ServerError

NOW_MS = 1_700_000_000_000
NEVER_S = 3_600.0


@pytest.fixture
def prefix() -> str:
    """Begins the names of an installation of one's own."""
    return f"test-{uuid.uuid4().hex[:8]}."


class AClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> AClock:
    return AClock()


@pytest.fixture
async def people(mongo_url: str, prefix: str, clock: AClock) -> AsyncIterator[MongoPeople]:
    store = MongoPeople(mongo_url, prefix=prefix, now_ms=clock)
    yield store
    await store.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def directory(
    people: MongoPeople, redis: Redis, prefix: str, clock: AClock
) -> PeopleDirectory:
    directory = PeopleDirectory(people, redis, prefix, lambda: clock() / 1_000)
    await directory.load()
    return directory


# -- the store -----------------------------------------------------------------------------------


async def test_people_are_stored_with_what_they_may(people: MongoPeople) -> None:
    zoe = await people.add("zoë", is_admin=True)
    ann = await people.add("ann", public_reads=True)
    assert zoe == Person("zoë", is_admin=True, public_reads=False, created_at=NOW_MS)
    assert await people.people() == [ann, zoe]


async def test_a_name_of_512_letters_of_any_script_is_stored(people: MongoPeople) -> None:
    name = "\U0001d11e" * 512
    added = await people.add(name)
    token, stored = await people.create_token(name)
    assert await people.people() == [added]
    assert await people.tokens(name) == [stored]
    assert len(token) == 36


async def test_the_same_person_twice_is_refused_and_changes_nothing(people: MongoPeople) -> None:
    ann = await people.add("ann", is_admin=True)
    _, token = await people.create_token("ann")
    version = await people.version()
    with pytest.raises(EchoTuneError, match="There is a person ann already"):
        await people.add("ann")
    assert await people.people() == [ann]
    assert await people.tokens() == [token]
    assert await people.version() == version


async def test_only_what_is_given_is_set(people: MongoPeople) -> None:
    await people.add("ann", is_admin=True)
    assert (await people.set("ann", public_reads=True)).is_admin
    assert await people.set("ann", is_admin=False) == Person("ann", False, True, NOW_MS)
    assert await people.people() == [Person("ann", False, True, NOW_MS)]
    with pytest.raises(EchoTuneError, match="Nothing would change"):
        await people.set("ann")


async def test_a_removed_person_has_no_token_and_comes_back_without(people: MongoPeople) -> None:
    await people.add("ann")
    await people.add("bob")
    _, of_bob = await people.create_token("bob")
    await people.create_token("ann")
    await people.create_token("ann")
    assert await people.remove("ann") == 2
    await people.add("ann")
    assert await people.tokens() == [of_bob]


async def test_a_token_that_outlived_its_person_does_not_come_back_with_the_name(
    people: MongoPeople, mongo_url: str, prefix: str
) -> None:
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(mongo_url)
    left = {"_id": "x", "digest": "d", "person": "ann", "label": "", "created_at": 1}
    await client[DATABASE][f"{prefix}tokens"].insert_one(left)
    client.close()
    await people.add("ann")
    assert await people.tokens() == []


async def test_a_token_is_stored_by_its_digest_alone(
    people: MongoPeople, mongo_url: str, prefix: str
) -> None:
    await people.add("ann")
    token, _ = await people.create_token("ann", "phone")
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(mongo_url)
    found = await client[DATABASE][f"{prefix}tokens"].find().to_list(None)
    client.close()
    assert [each["digest"] for each in found] == [digest_of(token)]
    assert token not in str(found)


@pytest.mark.parametrize("label", ["a\nb", "\x1b[2J", "a" * (LABEL_LENGTH_MAX + 1)])
async def test_a_label_is_one_short_line(people: MongoPeople, label: str) -> None:
    await people.add("ann")
    with pytest.raises(EchoTuneError, match="one line"):
        await people.create_token("ann", label)


async def test_a_rotated_token_ends_and_the_new_one_does_not(
    people: MongoPeople, clock: AClock
) -> None:
    await people.add("ann")
    first, old = await people.create_token("ann", "phone")
    clock.now_ms += 5
    second, new = await people.rotate(old.token_id, 1_000)
    assert first != second
    assert (new.person, new.label, new.expires_at) == ("ann", "phone", None)
    ends = {each.token_id: each.expires_at for each in await people.tokens()}
    assert ends == {old.token_id: NOW_MS + 1_005, new.token_id: None}


async def test_a_token_that_two_people_rotate_at_once_is_rotated_once(
    people: MongoPeople,
) -> None:
    await people.add("ann")
    _, old = await people.create_token("ann")
    both = [people.rotate(old.token_id, 1_000) for _ in range(2)]
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(each) for each in ended if isinstance(each, Exception)) == [EchoTuneError]
    assert len(await people.tokens()) == 2
    with pytest.raises(EchoTuneError, match="was rotated or revoked before"):
        await people.rotate(old.token_id, 1_000)
    assert len(await people.tokens()) == 2


@pytest.mark.parametrize("grace_ms", [-1, GRACE_MAX_MS + 1, 10**30])
async def test_a_grace_time_has_bounds(people: MongoPeople, grace_ms: int) -> None:
    await people.add("ann")
    _, token = await people.create_token("ann")
    with pytest.raises(EchoTuneError, match="30 days"):
        await people.rotate(token.token_id, grace_ms)
    assert await people.tokens() == [token]


async def test_tokens_that_have_ended_are_deleted_when_others_are_created(
    people: MongoPeople, clock: AClock
) -> None:
    await people.add("ann")
    _, old = await people.create_token("ann")
    _, new = await people.rotate(old.token_id, 1_000)
    clock.now_ms += 1_000
    _, newest = await people.create_token("ann")
    assert {each.token_id for each in await people.tokens()} == {new.token_id, newest.token_id}


async def test_who_and_what_does_not_exist_is_said(people: MongoPeople) -> None:
    for ask in (
        people.set("bob", is_admin=True),
        people.remove("bob"),
        people.create_token("bob"),
        people.tokens("bob"),
    ):
        with pytest.raises(EchoTuneError, match="There is no person bob"):
            await ask
    for ask in (people.revoke("x"), people.rotate("x", 0)):
        with pytest.raises(EchoTuneError, match="There is no token with the id x"):
            await ask


async def test_every_change_has_another_version_and_no_use_has(people: MongoPeople) -> None:
    versions = [await people.version()]

    async def changed() -> None:
        versions.append(await people.version())

    await people.add("ann")
    await changed()
    await people.set("ann", is_admin=True)
    await changed()
    _, token = await people.create_token("ann")
    await changed()
    _, second = await people.rotate(token.token_id, 10)
    await changed()
    await people.revoke(second.token_id)
    await changed()
    await people.remove("ann")
    await changed()
    assert versions == [*range(7)]
    await people.note_used({token.token_id: 1})
    assert await people.version() == versions[-1]


async def test_the_last_use_only_moves_on_and_brings_no_token_back(people: MongoPeople) -> None:
    await people.add("ann")
    _, token = await people.create_token("ann")
    await people.note_used({})
    for at_ms in (5, 9, 7):
        await people.note_used({token.token_id: at_ms, "revoked": at_ms})
    assert [each.last_used_at for each in await people.tokens()] == [9]


async def test_installations_with_other_prefixes_share_nobody(
    people: MongoPeople, mongo_url: str
) -> None:
    await people.add("ann")
    other = MongoPeople(mongo_url, prefix=f"test-{uuid.uuid4().hex[:8]}.")
    assert await other.people() == []
    await other.close()


# -- the directory -------------------------------------------------------------------------------


async def test_a_token_works_as_soon_as_it_was_created(
    people: MongoPeople, directory: PeopleDirectory
) -> None:
    ann = await people.add("ann", public_reads=True)
    token, _ = await people.create_token("ann", "phone")
    assert await directory.person_of(token) == ann
    assert await directory.person_of(token.upper()) == ann
    assert await directory.person("ann") == ann


async def test_a_rotated_token_works_until_its_grace_time_is_over(
    people: MongoPeople, directory: PeopleDirectory, clock: AClock
) -> None:
    ann = await people.add("ann")
    first, old = await people.create_token("ann")
    second, _ = await people.rotate(old.token_id, 1_000)
    clock.now_ms += 999
    assert [await directory.person_of(each) for each in (first, second)] == [ann, ann]
    clock.now_ms += 1
    assert [await directory.person_of(each) for each in (first, second)] == [None, ann]


async def _until_somebody_hears(redis: Redis, prefix: str) -> None:
    async with asyncio.timeout(30):
        while not dict(await redis.pubsub_numsub(channel_of(prefix)))[channel_of(prefix).encode()]:
            await asyncio.sleep(0.01)


async def _until_refused(directory: PeopleDirectory, token: str) -> None:
    async with asyncio.timeout(30):
        while await directory.person_of(token) is not None:
            await asyncio.sleep(0.01)


async def test_a_revocation_that_redis_tells_of_takes_effect_without_polling(
    people: MongoPeople,
    directory: PeopleDirectory,
    redis: Redis,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(people_directory, "POLL_S", NEVER_S)
    running = asyncio.create_task(directory.run())
    ann = await people.add("ann")
    token, stored = await people.create_token("ann")
    assert await directory.person_of(token) == ann
    await _until_somebody_hears(redis, prefix)
    await people.revoke(stored.token_id)
    assert await directory.person_of(token) == ann
    await announce(redis, prefix)
    await _until_refused(directory, token)
    running.cancel()


async def test_a_directory_hears_again_after_redis_has_closed_its_connections(
    people: MongoPeople, directory: PeopleDirectory, redis: Redis, prefix: str
) -> None:
    running = asyncio.create_task(directory.run())
    await _until_somebody_hears(redis, prefix)
    await redis.client_kill_filter(_type="pubsub")
    await _until_somebody_hears(redis, prefix)
    assert not running.done()
    running.cancel()


@pytest.fixture
def proxy(mongo_url: str) -> Iterator[TcpProxy]:
    """The proxy between the directory and MongoDB."""
    with TcpProxy(int(mongo_url.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of reset sockets
@pytest.mark.parametrize("fault", ["refuse", "reset", "stall", "drop_replies"])
async def test_who_was_known_is_known_while_mongodb_is_away_and_changes_are_found_after_it(
    fault: str, proxy: TcpProxy, people: MongoPeople, redis: Redis, prefix: str
) -> None:
    url = f"mongodb://{LOOPBACK}:{proxy.port}/?directConnection=true"
    far = MongoPeople(url, prefix=prefix, answer_timeout_s=0.5)
    directory = PeopleDirectory(far, redis, prefix)
    running = asyncio.create_task(directory.run())
    ann = await people.add("ann")
    token, stored = await people.create_token("ann")
    other, _ = await people.create_token("ann")
    assert await directory.person_of(token) == ann
    proxy.set("reset" if fault in ("refuse", "reset") else fault)  # open connections end, too
    proxy.set(fault)
    async with asyncio.timeout(30):
        while directory.is_fresh:
            await asyncio.sleep(0.01)
    await people.revoke(stored.token_id)
    assert await directory.person_of(token) == ann
    assert await directory.person("nobody") is None
    proxy.set("heal")
    await _until_refused(directory, token)
    assert await directory.person_of(other) == ann
    running.cancel()
    await far.close()


async def test_a_first_start_without_mongodb_is_an_error(
    proxy: TcpProxy, redis: Redis, prefix: str
) -> None:
    proxy.set("refuse")
    away = MongoPeople(f"mongodb://{LOOPBACK}:{proxy.port}/?directConnection=true", prefix=prefix)
    with pytest.raises(ServerError, match="MongoDB does not answer") as raised:
        await PeopleDirectory(away, redis, prefix).run()
    assert "echotune up" in raised.value.remedy
    await away.close()
