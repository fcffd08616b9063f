"""A complete EchoTune in its own folder, for tests that start, kill and restart parts of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import Producer

from infra.embedded_servers import Addresses, EmbeddedServers
from streams.cli.topics import apply_topics
from streams.monitoring.status import system_status
from streams.settings import Settings
from tests.support.cli_here import run_here
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import encode
from topics.listening_event import ListeningEvent

REPOSITORY = Path(__file__).parent.parent.parent
WAIT_S = 90.0
POLL_S, POLL_MAX_S = 0.1, 0.5
"""Pauses between two looks: they grow, because each look takes time from what is waited for."""
FAST = {
    "ECHOTUNE_SNAPSHOT_EVERY_S": "1",
    "ECHOTUNE_PROGRESS_EVERY_S": "0.2",
    "ECHOTUNE_SESSION_TIMEOUT_S": "6",
}
"""Settings that keep the waiting times of tests short."""
ALTERED_BY = {f"ECHOTUNE_TEST_{what}" for what in ("MUTATION", "CRASH", "FREEZE", "BREAK")}
"""Environment variables for crash points, faults and mutations of a worker."""
ALTERED_MODULE = "tests.support.altered_worker"

T = TypeVar("T")


class Worker:
    """A worker process and its log."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self.log = log

    def kill(self) -> None:
        """Sends SIGKILL, which has the effect of a crash."""
        self.process.kill()
        self.process.wait(WAIT_S)

    def freeze(self) -> None:
        """Sends SIGSTOP: the process does nothing, but still exists."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Sends SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Sends SIGTERM; returns the exit code."""
        self.process.terminate()
        return self.process.wait(WAIT_S)

    def text(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")


class Station:
    """Servers, topics, workers and events under one home; `is_hasty` is not for benchmarks."""

    command_timeout_s = 3 * WAIT_S

    def __init__(self, home: Path, kafka_libs: Path, *, is_hasty: bool = True) -> None:
        self.home = home
        self.environment = dict(FAST) if is_hasty else {}
        self.servers = EmbeddedServers(
            home, kafka_libs=kafka_libs, want=("kafka", "redis"), fast_start=is_hasty
        )
        self.workers: list[Worker] = []
        self._producer: Producer | None = None

    def up(self) -> Addresses:
        """Starts the servers and creates the topics."""
        self.servers.up()
        apply_topics(self.settings, self.addresses)
        return self.addresses

    @property
    def addresses(self) -> Addresses:
        """Addresses of the servers."""
        found = self.servers.addresses()
        assert found is not None
        return found

    @property
    def settings(self) -> Settings:
        """The settings of its workers."""
        names = {key.removeprefix("ECHOTUNE_").lower(): v for key, v in self.environment.items()}
        return Settings(home=self.home, **names)

    # -- workers -------------------------------------------------------------------------------

    def start(self, kind: str, **environment: str) -> Worker:
        """Starts a worker of `kind`; it is altered if the environment requests that."""
        log = self.home / "logs" / f"{kind}-{len(self.workers)}.log"
        variables = self._environment(environment)
        module = ALTERED_MODULE if ALTERED_BY & variables.keys() else "streams.cli"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", module, "worker", kind],
                cwd=REPOSITORY,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.workers.append(Worker(process, log))
        return self.workers[-1]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "ECHOTUNE_HOME": str(self.home), **self.environment, **more}

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs an `echotune` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            cwd=REPOSITORY,
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=self.command_timeout_s,
            check=False,
        )

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """Starts an `echotune` command whose stdout is read line by line."""
        return subprocess.Popen(
            [sys.executable, "-m", "streams.cli", *arguments],
            cwd=REPOSITORY,
            env=self._environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def json(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """The output of a command with `--json`."""
        done = self.run(*arguments, "--json", **environment)
        assert done.stdout, f"{arguments} said nothing but: {done.stderr}"
        return dict(json.loads(done.stdout))

    # -- events --------------------------------------------------------------------------------

    def produce(self, events: Iterable[ListeningEvent]) -> None:
        """Produces `events`; all are acknowledged when this returns."""
        for event in events:
            value = encode("ListeningEvent", event.model_dump(mode="json"))
            self.produce_raw(value, key=event.listener_id.encode(), flush=False)
        self.flush()

    def produce_raw(
        self, value: bytes | None, *, key: bytes | None = None, flush: bool = True, **more: Any
    ) -> None:
        """Produces a record with the given value and key."""
        if self._producer is None:
            self._producer = Producer(
                {
                    "bootstrap.servers": self.addresses.kafka,
                    "partitioner": "murmur2_random",
                    "log_level": 0,
                }
            )
        while True:
            try:
                self._producer.produce(LISTENING_EVENTS.name, value, key=key, **more)
                break
            except BufferError:
                self._producer.poll(POLL_S)
        if flush:
            self.flush()

    def flush(self) -> None:
        """Waits until every produced record is acknowledged."""
        assert self._producer is not None
        assert self._producer.flush(WAIT_S) == 0

    # -- reading ----------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """The output of `echotune status --json`, without a process for each call."""
        return asyncio.run(system_status(self.settings, self.addresses))

    def verify(self) -> dict[str, Any]:
        """`echotune verify --json`, in this process."""
        return dict(json.loads(run_here(("verify", "--json"), self._environment({})).stdout))

    def wait_applied(self, events: int) -> dict[str, Any]:
        """Waits until exactly `events` are in the model and everything is published."""
        return wait_until(self.status, lambda found: found["applied"] == events and _is_idle(found))

    def close(self) -> None:
        """Stops all processes."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        self._producer = None
        self.servers.down()


class StationHere(Station):
    """A station whose commands run in this process; workers have processes of their own."""

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs an `echotune` command to its end."""
        if arguments[0] == "worker":
            return super().run(*arguments, **environment)
        return run_here(arguments, self._environment(environment))


def _is_idle(status: Mapping[str, Any]) -> bool:
    """Whether every event is in the log, in the model, in the digest and published."""
    recommender = status["recommender"]
    as_of = recommender.get("as_of")
    arrived = (status["digest_offset"], recommender.get("topic_as_of"))
    return status["lag"] == {"events": 0, "log_records": 0} and arrived == (as_of, as_of)


def wait_until(ask: Callable[[], T], is_enough: Callable[[T], bool], within_s: float = WAIT_S) -> T:
    """Polls until `is_enough` holds for the answer; fails with the last one after `within_s`."""
    deadline, pause_s = time.monotonic() + within_s, POLL_S
    found = ask()
    while not is_enough(found):
        assert time.monotonic() < deadline, f"waited in vain; last answer: {found}"
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, POLL_MAX_S)
        found = ask()
    return found
