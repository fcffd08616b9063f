"""A server of a run that ends is named, and started again while the view goes on."""

from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest

from infra.embedded_servers import EmbeddedServers
from streams.workers.backoff import RESTART_FIRST_S, RESTART_MAX_S
from streams.workers.server_watch import ServerWatch
from topics.errors import ServerError

WAIT_S = 30.0


class Servers:
    """Two servers that run, and one that never did; a start lasts until it is let go."""

    def __init__(self) -> None:
        self.runs = {"kafka": True, "redis": True, "mongo": False}
        self.starts: list[str] = []
        self.fails = False
        self.may_end = Event()
        self.may_end.set()

    def running(self) -> dict[str, bool]:
        return dict(self.runs)

    def log_of(self, name: str) -> Path:
        return Path(f"logs/{name}.log")

    def start(self, name: str, say: Any) -> None:
        self.starts.append(name)
        self.may_end.wait(WAIT_S)
        if self.fails:
            raise ServerError("Kafka ended at once:\nits log", "Its log is there.")
        self.runs[name] = True

    def stop(self, name: str) -> None:
        self.may_end.set()


class Watched:
    """A watch with a clock that stands still until it is set."""

    def __init__(self) -> None:
        self.servers, self.now, self.said = Servers(), 100.0, list[str]()
        self.watch = ServerWatch(
            cast(EmbeddedServers, self.servers), self.said.append, lambda: self.now
        )
        self.watch.begin()

    def look(self, *, after_s: float = 0.0) -> None:
        """Looks at the servers, and lets a start end that need not wait."""
        self.now += after_s
        self.watch.restart_ended()
        for start in self.watch._starts.values():
            if self.servers.may_end.is_set():
                start.join(WAIT_S)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_servers_that_run_and_one_that_never_did_are_left_alone(watched: Watched) -> None:
    watched.look()
    watched.look(after_s=RESTART_MAX_S)
    assert watched.said == watched.servers.starts == []


def test_a_server_that_ended_is_named_once_and_started_again(watched: Watched) -> None:
    watched.servers.runs["kafka"] = False
    for _ in range(3):
        watched.look()
    assert watched.said == ["kafka ended; see logs/kafka.log; starting it again"]
    watched.look(after_s=RESTART_FIRST_S)
    assert watched.servers.starts == ["kafka"]
    assert watched.servers.runs["kafka"]


def test_the_view_goes_on_while_a_server_starts(watched: Watched) -> None:
    watched.servers.may_end.clear()
    watched.servers.runs["kafka"] = False
    watched.look()
    for _ in range(3):
        watched.look(after_s=RESTART_MAX_S)  # a start that blocked would last WAIT_S
    assert watched.servers.starts == ["kafka"]
    assert not watched.servers.runs["kafka"]
    watched.watch.stop()
    assert watched.servers.may_end.is_set()


def test_a_server_that_cannot_be_started_is_tried_again_after_longer_waits(
    watched: Watched,
) -> None:
    watched.servers.fails = True
    watched.servers.runs["kafka"] = False
    watched.look()
    watched.look(after_s=RESTART_FIRST_S)
    assert watched.said[-1] == "kafka cannot be started: Kafka ended at once:"
    watched.look()
    watched.look(after_s=RESTART_FIRST_S)
    assert watched.servers.starts == ["kafka"]
    watched.look(after_s=RESTART_FIRST_S)
    assert watched.servers.starts == ["kafka", "kafka"]
