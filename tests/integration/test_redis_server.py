"""The embedded Redis is ready only when it answers commands."""

from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.daemon import free_port
from infra.redis_server import RedisServer

KEYS = 600_000
FILL = f"for at = 1, {KEYS} do redis.call('SET', 'key:' .. at, at) end"


def test_a_redis_that_comes_back_with_much_data_is_ready_once_it_has_loaded_them(
    tmp_path: Path,
) -> None:
    server = RedisServer(tmp_path / "redis", tmp_path / "logs" / "redis.log")
    first = server.start(free_port(), print)
    try:
        server.wait_ready(first)
        with client(first.port) as redis:
            redis.eval(FILL, 0)
    finally:
        first.stop(30.0)
    second = server.start(first.port, print)
    try:
        server.wait_ready(second)
        with client(second.port) as redis:
            assert redis.dbsize() == KEYS
    finally:
        second.stop(30.0)


def client(port: int) -> "Redis":
    """A client that does not try again."""
    return Redis(port=port, socket_timeout=60.0, retry=Retry(NoBackoff(), 0))
