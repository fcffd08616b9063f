"""A server is not started twice on the same data, wherever the folder is seen from."""

import errno
import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import server_lock
from infra.embedded_servers import EmbeddedServers
from topics.errors import ServerError


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServers]:
    """A home whose only server, Redis, runs."""
    monkeypatch.setattr(server_lock, "_ENDS_WITHIN_S", 0.3)
    servers = EmbeddedServers(tmp_path, want=["redis"])
    servers.up()
    yield servers
    servers.down()


@pytest.fixture
def unseen(tmp_path: Path, servers: EmbeddedServers) -> Iterator[EmbeddedServers]:
    """The same home, as another container sees it: none of its pids means anything there."""
    hidden = {each: each.read_bytes() for each in (tmp_path / "servers.json", pid_file(tmp_path))}
    for each in hidden:
        each.unlink()
    yield EmbeddedServers(tmp_path, want=["redis"])
    for each, content in hidden.items():
        each.write_bytes(content)


def pid_file(home: Path) -> Path:
    return home / "logs" / "redis.pid"


def test_a_server_that_runs_where_it_is_not_seen_is_not_started_again(
    unseen: EmbeddedServers,
) -> None:
    with pytest.raises(ServerError, match="Redis of this home runs, but not where") as refused:
        unseen.up()
    assert "Stop it there" in refused.value.remedy


def test_down_says_that_a_server_runs_where_it_cannot_be_stopped(unseen: EmbeddedServers) -> None:
    with pytest.raises(ServerError, match="Redis of this home runs, but not where"):
        unseen.down()


def test_a_server_that_was_killed_is_started_again(servers: EmbeddedServers) -> None:
    servers.kill("redis")
    servers.start("redis")
    assert servers.running() == {"redis": True}


def test_a_server_that_holds_no_lock_is_known_by_its_process(
    servers: EmbeddedServers, tmp_path: Path
) -> None:
    (tmp_path / "redis.lock").unlink()  # as a version before locks left it
    pids = servers.pids()
    servers.up()
    assert servers.pids() == pids


def test_a_file_system_without_locks_is_used_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with server_lock.server_lock(tmp_path / "redis.lock", "Redis") as descriptor:
        assert descriptor > 0
