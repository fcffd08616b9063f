"""Redis, MongoDB and the schema registry over TLS, with users of the smallest rights."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import uvloop

from infra.daemon import LOOPBACK, Daemon, free_port, spawn, wait_ready
from infra.embedded_servers import Addresses
from infra.mongo_server import server_program as mongo_program
from infra.redis_server import RedisServer, server_program
from streams.addresses import addresses_of
from streams.answering.answers import Answer
from streams.answering.asking import ModelQuestions
from streams.answering.question_door import question_door
from streams.answering.questions import Kind, Question
from streams.lists.frontier import NOTHING_PUBLISHED
from streams.lists.list_store import Publication
from streams.lists.redis_lists import redis_lists
from streams.mongo_client import mongo_client
from streams.monitoring.worker_status import sequencer_statuses, write_sequencer_status
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.redis_refusals import redis_problem
from streams.registry.contracts import registry_of
from streams.settings import Settings
from streams.tracks.mongo_track_catalogue import MongoTrackCatalogue
from tests.support.certificates import Authority, served_by
from tests.support.station import WAIT_S
from tests.support.tls_port import tls_port
from topics.errors import RegistryUnavailableError, ServerError, SettingsError

PASSWORD = "a-pass:word@with/signs"
CHANNELS = "&echotune:questions:* &echotune:answers:*"
RIGHTS = (
    f"recommender ~recs:* ~echotune:* resetchannels {CHANNELS} +@read +@write +@connection "
    "+evalsha +script|load +subscribe +unsubscribe +publish",
    "sequencer ~echotune:status:sequencer:* +set +@connection",
    f"serving %R~recs:* ~echotune:* resetchannels &people:changed {CHANNELS} +@read +@write "
    "+@connection +@pubsub",
    "reader %R~recs:* %R~echotune:* +@read +@connection +info +time",
)
"""The smallest rights in Redis, as docs/security.md lists them."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def redis_port(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The encrypted port of a Redis with users."""
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    (folder / "users.acl").write_text("".join([*_users()]))
    options = ["--dir", str(folder), "--bind", LOOPBACK, "--port", str(port), "--save", ""]
    options += ["--aclfile", str(folder / "users.acl")]
    daemon = spawn([server_program(), *options], port=port, log=folder / "redis.log")
    wait_ready(daemon, "Redis", folder / "redis.log", 20.0)
    with tls_port(port, served_by(authority.issue("redis"))) as encrypted:
        yield encrypted
    daemon.stop(5.0)


def _users() -> Iterator[str]:
    yield "user default off\n"
    for each in RIGHTS:
        name, _, rights = each.partition(" ")
        yield f"user {name} on >{PASSWORD} {rights}\n"


def settings(redis_port: int, authority: Authority, user: str, **changes: Any) -> Settings:
    """Settings of a process that reaches this Redis as `user`, with changes."""
    usual = {
        "kafka": "unused:9092",
        "redis": f"rediss://{user}@{LOOPBACK}:{redis_port}/0",
        "redis_password": PASSWORD,
        "redis_ssl_ca_location": authority.certificate,
    }
    return Settings(**{**usual, **changes})


@pytest.mark.parametrize("loop", [asyncio.run, uvloop.run])
def test_tls_against_plaintext_and_plaintext_against_tls_are_told_apart(
    authority: Authority, tmp_path: Path, loop: Callable[[Any], str]
) -> None:
    redis = RedisServer(tmp_path / "redis", tmp_path / "redis.log")
    plain = redis.start(free_port(), print)
    redis.wait_ready(plain)

    async def said(url: str) -> str:
        client = redis_of(Addresses("", url, ""))
        try:
            await client.ping()
            return "answered"
        except REDIS_UNAVAILABLE as error:
            return redis_problem(error)
        finally:
            await client.aclose()
            await connections_end(int(url.rpartition(":")[2].removesuffix("/0")))

    with tls_port(plain.port, served_by(authority.issue("redis"))) as encrypted:
        assert loop(said(f"redis://{LOOPBACK}:{plain.port}/0")) == "answered"
        assert "speaks plaintext" in loop(said(f"rediss://{LOOPBACK}:{plain.port}/0"))
        for user in ("", "someone:word@"):
            assert "speaks TLS" in loop(said(f"redis://{user}{LOOPBACK}:{encrypted}/0"))
        assert "is not trusted" in loop(said(f"rediss://{LOOPBACK}:{encrypted}/0"))
    plain.stop(5.0)
    assert "ConnectionError" in loop(said(f"redis://{LOOPBACK}:{plain.port}/0"))


async def connections_end(port: int) -> None:
    """Waits until this process has no connection to `port`; TLS takes a round trip to end one."""
    process = psutil.Process()
    while any(each.raddr and each.raddr.port == port for each in process.net_connections("tcp")):
        await asyncio.sleep(0.01)


async def test_each_role_works_with_its_smallest_rights(
    redis_port: int, authority: Authority
) -> None:
    one = settings(redis_port, authority, "recommender")
    writer = redis_lists(one, redis_of(addresses_of(one)))
    frontier = NOTHING_PUBLISHED._replace(as_of=7, owner=1, serial=1)
    assert (await writer.publish(Publication((), (), frontier), NOTHING_PUBLISHED)).is_accepted
    await writer.close()
    sequencer = redis_of(addresses_of(settings(redis_port, authority, "sequencer")))
    status = {"sequencer_id": "host-1", "partitions": {}}
    await write_sequencer_status(sequencer, "host-1", status)
    await sequencer.aclose()
    other = settings(redis_port, authority, "reader")
    redis = redis_of(addresses_of(other))
    reader = redis_lists(other, redis)
    assert (await reader.frontier()).as_of == 7
    assert (await sequencer_statuses(redis)).statuses == [status]
    assert await reader.count() == 0
    assert (await redis.info())["role"] == "master"
    with pytest.raises(REDIS_UNAVAILABLE, match="permissions"):
        await redis.set("recs:first:ann", "")
    await reader.close()
    await connections_end(redis_port)


async def test_questions_are_answered_with_the_smallest_rights(
    redis_port: int, authority: Authority
) -> None:
    owner, asker = (
        redis_of(addresses_of(settings(redis_port, authority, user)))
        for user in ("recommender", "serving")
    )
    answer = Answer("first", 0, 7, [])
    door = question_door(
        *(owner, "first", "", lambda _: answer), is_owner=lambda: True, is_ready=lambda: True
    )
    asking = ModelQuestions(asker)
    tasks = [asyncio.create_task(each.run()) for each in (door, asking)]
    async with asyncio.timeout(20.0):
        question = Question(kind=Kind.NEXT, listener_id="ann")
        while (found := await asking.ask("first", question)) is None:
            await asyncio.sleep(0.01)
    assert found == answer
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await owner.aclose()
    await asker.aclose()
    await connections_end(redis_port)


@pytest.mark.parametrize("wrong", ["password", "authority", "plaintext"])
async def test_a_redis_that_refuses_is_an_error_and_no_secret_is_in_it(
    redis_port: int, authority: Authority, tmp_path: Path, wrong: str
) -> None:
    changes: dict[str, dict[str, Any]] = {
        "password": {"redis_password": "another"},
        "authority": {"redis_ssl_ca_location": Authority(tmp_path, "other").certificate},
        "plaintext": {
            "redis": f"redis://reader@{LOOPBACK}:{redis_port}/0",
            "redis_ssl_ca_location": None,
        },
    }
    redis = redis_of(addresses_of(settings(redis_port, authority, "reader", **changes[wrong])))
    with pytest.raises(REDIS_UNAVAILABLE) as refused:
        await redis.ping()
    await redis.aclose()
    await connections_end(redis_port)
    assert "another" not in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_certificates_for_a_redis_in_plaintext_are_refused(authority: Authority) -> None:
    with pytest.raises(SettingsError, match="no rediss:// URL"):
        addresses_of(settings(6379, authority, "me", redis="redis://me@host:6379/0"))


def test_a_password_in_the_url_and_beside_it_is_refused(authority: Authority) -> None:
    with pytest.raises(SettingsError, match="ECHOTUNE_REDIS_PASSWORD is set, too") as refused:
        addresses_of(settings(6379, authority, "me", redis="rediss://me:secret@host:6379/0"))
    assert "secret" not in str(refused.value)


# -- mongodb and the schema registry ---------------------------------------------------------------


async def test_mongodb_is_reached_over_tls(
    mongo_url: str, authority: Authority, tmp_path: Path
) -> None:
    port = int(mongo_url.rpartition(":")[2])
    stranger = Authority(tmp_path, "other").certificate
    with tls_port(port, served_by(authority.issue("mongo"))) as encrypted:
        url = f"mongodb://{LOOPBACK}:{encrypted}/"
        over_tls = f"{url}?directConnection=true&tls=true&tlsCAFile="
        await mongo_says(f"{over_tls}{authority.certificate}", "answered")
        await mongo_says(f"{over_tls}{stranger}", "certificate of MongoDB is not trusted")
        await mongo_says(url, "tls=true")
    await mongo_says(f"{mongo_url}/?tls=true&tlsCAFile={stranger}", "does not speak TLS")


async def mongo_says(url: str, words: str) -> None:
    """Asks the MongoDB at `url` until EchoTune says `words`: a busy one is silent for a while."""
    deadline, said = time.monotonic() + WAIT_S, ""
    while words not in said:
        assert time.monotonic() < deadline, f"it does not say {words!r}, but: {said}"
        said = await said_of_mongo(url)


async def said_of_mongo(url: str) -> str:
    """What EchoTune says of a question to the MongoDB at `url`."""
    catalogue = MongoTrackCatalogue(url)
    try:
        await catalogue.names(["unknown"])
        return "answered"
    except ServerError as error:
        return str(error)
    finally:
        await catalogue.close()


async def test_mongodb_asks_for_a_user_and_says_what_it_refuses(tmp_path: Path) -> None:
    command = [mongo_program(), "--storage-path", str(tmp_path), "--cache-size", "64M"]

    def started(*more: str) -> Daemon:
        port = free_port()
        daemon = spawn(
            [*command, "--port", str(port), *more], port=port, log=tmp_path / "mongo.log"
        )
        wait_ready(daemon, "MongoDB", tmp_path / "mongo.log", 60.0)
        return daemon

    daemon = started()
    client = mongo_client(f"mongodb://{LOOPBACK}:{daemon.port}")
    await client.admin.command("createUser", "me", pwd=PASSWORD, roles=["root"])
    client.close()
    daemon.stop(10.0)
    daemon = started("--auth")
    place = f"{LOOPBACK}:{daemon.port}/?authSource=admin"
    await mongo_says(f"mongodb://me:{quote(PASSWORD, safe='')}@{place}", "answered")
    await mongo_says(f"mongodb://me:wrong@{place}", "the user or the password")
    await mongo_says(f"mongodb://{place}", "asks for a user")
    daemon.stop(10.0)


class _Registry(BaseHTTPRequestHandler):
    """Answers every question with no subjects, if it is asked by the right user."""

    def do_GET(self) -> None:
        is_known = self.headers["Authorization"] == "Basic bWU6c2VjcmV0"
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def registry_port(authority: Authority) -> Iterator[int]:
    """The encrypted port of a registry whose user is me, with the password secret."""
    server = HTTPServer((LOOPBACK, 0), _Registry)
    context = served_by(authority.issue("registry"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_registry_is_asked_over_tls_with_a_user(
    registry_port: int, authority: Authority
) -> None:
    def versions(user: str, trusted: Path | None) -> object:
        url = f"https://{user}@{LOOPBACK}:{registry_port}"
        registry = registry_of(
            Settings(schema_registry=url, schema_registry_ssl_ca_location=trusted)
        )
        assert registry is not None
        return registry.versions("any")

    assert versions("me:secret", authority.certificate) == []
    with pytest.raises(RegistryUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        versions("me:secret", None)
    with pytest.raises(RegistryUnavailableError) as refused:
        versions("me:wrong-one", authority.certificate)
    assert "wrong-one" not in str(refused.value)
