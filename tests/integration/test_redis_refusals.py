"""What a real Redis refuses is said in words, each with the remedy that fits."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from infra.daemon import Daemon, free_port
from infra.embedded_servers import Addresses
from infra.redis_server import RedisServer
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.redis_refusals import redis_problem


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Daemon]:
    """A Redis that a test may spoil."""
    redis = RedisServer(tmp_path / "redis", tmp_path / "logs" / "redis.log")
    daemon = redis.start(free_port(), print)
    redis.wait_ready(daemon)
    yield daemon
    daemon.stop(5.0)


def answer(url: str) -> str:
    """What EchoTune says of a write to the Redis at `url`."""

    async def write() -> str:
        redis = redis_of(Addresses("", url, ""))
        try:
            await redis.set("key", "x" * 100_000)
            return "written"
        except REDIS_UNAVAILABLE as error:
            return redis_problem(error)
        finally:
            await redis.aclose()

    return asyncio.run(write())


def test_each_refusal_has_its_own_words(server: Daemon) -> None:
    host = f"127.0.0.1:{server.port}"
    admin = Redis(port=server.port)
    assert answer(f"redis://{host}/0") == "written"
    assert "number" in answer(f"redis://{host}/99")
    admin.acl_setuser("reader", enabled=True, passwords=["+word"], commands=["+get"], keys=["*"])
    assert "may not run the command set" in answer(f"redis://reader:word@{host}/0")
    admin.acl_setuser("stranger", enabled=True, passwords=["+word"], commands=["+@all"])
    assert "lacks a right" in answer(f"redis://stranger:word@{host}/0")  # on the key
    assert "the password" in answer(f"redis://reader:wrong@{host}/0")
    admin.config_set("maxmemory", 1)
    assert "is full" in answer(f"redis://{host}/0")
    admin.config_set("maxmemory", 0)
    admin.replicaof("127.0.0.1", 1)
    assert "read-only replica" in answer(f"redis://{host}/0")


def test_a_redis_that_is_away_is_said_in_its_own_words() -> None:
    assert "ConnectionError" in answer(f"redis://127.0.0.1:{free_port()}/0")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("MOVED 3999 127.0.0.1:6381", "Redis Cluster"),
        ("CROSSSLOT Keys in request don't hash to the same slot", "Redis Cluster"),
        ("unknown command 'HGETALL', with args beginning with: 'recs:active'", "Sentinel"),
        ("certificate verify failed: certificate has expired (_ssl.c:1000)", "has expired"),
        ("MISCONF Valkey is configured to save RDB snapshots", "disk"),
    ],
)
def test_servers_of_other_kinds_and_in_other_states_are_named(text: str, says: str) -> None:
    assert says in redis_problem(ValueError(text))
