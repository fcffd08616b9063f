"""A station with generations beside each other, and commands that die or freeze at named points."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from streams.kafka.partition_reader import PartitionReader
from streams.lifecycle.journal import read_lifecycle
from streams.lifecycle.lifecycle import Lifecycle
from tests.support.events import a_stream
from tests.support.fault_station import FaultStation, is_frozen
from tests.support.journal import Journal
from tests.support.lists_seen import decoded_list, redis_of
from tests.support.station import (
    ALTERED_MODULE,
    REPOSITORY,
    WAIT_S,
    Worker,
    wait_until,
)
from topics.catalogue import RECOMMENDATIONS
from topics.codecs import Decoder

WHY = ("--why", "a test")
EXIT_ERROR = 3
AsOf = dict[str, int]
"""`as_of` of each listener's list."""


class GenerationsStation(FaultStation):
    """Recommenders by their generation; `journal` says what happened when."""

    journal: Journal

    def __init__(self, home: Path, kafka_libs: Path) -> None:
        super().__init__(home, kafka_libs)
        self.recommenders: dict[str, Worker] = {}
        self.produced = 0

    # -- what it does ----------------------------------------------------------------------------

    def feed(self, events: int) -> None:
        """Produces further events of the stream."""
        self.produce(list(a_stream(self.produced + events))[self.produced :])
        self.produced += events

    def recommend(self, generation: str, **environment: str) -> Worker:
        """Starts a recommender of a generation, in place of the former one, which is stopped."""
        former = self.recommenders.get(generation)
        if former is not None and former.process.poll() is None:
            former.stop()
        worker = self.start("recommender", ECHOTUNE_GENERATION=generation, **environment)
        self.recommenders[generation] = worker
        return worker

    def done(self, *arguments: str) -> str:
        """Runs a command that has to succeed; returns what it says."""
        found = self.run(*arguments)
        assert found.returncode == 0, (arguments, found.stderr)
        self.journal.note("done", command=" ".join(arguments[:3]))
        return found.stdout + found.stderr

    def dies(self, point: str, *arguments: str, time: int = 1) -> None:
        """Runs a command in a process of its own, which is killed at `point`."""
        crash = {"ECHOTUNE_TEST_CRASH": f"{point}:{time}"}
        found = subprocess.run(
            [sys.executable, "-m", ALTERED_MODULE, *arguments],
            cwd=REPOSITORY,
            env=self._environment(crash),
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert found.returncode == -signal.SIGKILL, (point, found.stdout, found.stderr)
        self.journal.note("died", command=" ".join(arguments[:3]), point=point)

    def run_within(self, gib: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command in a process that may have so much memory."""
        limited = f'ulimit -v {gib << 20}; exec "$@"'
        return subprocess.run(
            ["bash", "-c", limited, "bash", sys.executable, "-m", "streams.cli", *arguments],
            cwd=REPOSITORY,
            env=self._environment({}),
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    def waits_for_death(self, worker: Worker) -> None:
        """Waits until a worker has died at its point."""
        wait_until(worker.process.poll, lambda code: code is not None)
        assert worker.process.poll() == -signal.SIGKILL, worker.text()[-2_000:]
        self.journal.note("died at its point", pid=worker.process.pid)

    def waits_for_frost(self, worker: Worker) -> None:
        """Waits until a worker has frozen at its point."""
        wait_until(lambda: is_frozen(worker), bool)
        self.journal.note("frozen", pid=worker.process.pid)

    # -- what is seen ----------------------------------------------------------------------------

    @property
    def lifecycle(self) -> Lifecycle:
        """The lifecycle that the journal has."""
        return read_lifecycle(self.addresses.kafka)

    def pointer(self) -> tuple[str | None, str | None]:
        """The stable generation and the canary, as readers see them."""
        with redis_of(self) as redis:
            found = redis.hgetall("recs:active")
        named = [found.get(each) for each in (b"stable", b"canary")]
        stable, canary = (each.decode() if each else None for each in named)
        return stable, canary

    def in_redis(self, generation: str) -> AsOf:
        """The lists of a generation in Redis."""
        prefix = f"recs:{generation}:"
        with redis_of(self) as redis:
            keys = list(redis.scan_iter(match=f"{prefix}*", count=1_000))
            found = {key.decode().removeprefix(prefix): redis.hget(key, "as_of") for key in keys}
        return {name: int(as_of) for name, as_of in found.items() if as_of is not None}

    def in_topic(self) -> tuple[set[str], AsOf]:
        """The generations whose lists the topic has, and its lists."""
        decoder, values = Decoder(RECOMMENDATIONS.contracts), dict[str, bytes]()
        with PartitionReader(self.addresses.kafka, "test", RECOMMENDATIONS.name) as reader:
            for partition in reader.partitions():
                newest = dict[str, bytes | None]()  # a removal counts in its own partition
                for message in reader.read(partition, *reader.bounds(partition)):
                    newest[message.key().decode()] = message.value()
                values |= {name: value for name, value in newest.items() if value is not None}
        made_by: set[str] = {decoder.decode(each)[1]["generation"] for each in values.values()}  # type: ignore[index]
        return made_by, {name: decoded_list(value).as_of for name, value in values.items()}

    def wait_served_by(self, stable: str, canary: str | None = None) -> None:
        """Waits until pointer and topic follow the plan, and the topic has what Redis has."""
        assert (self.lifecycle.plan.stable, self.lifecycle.plan.canary) == (stable, canary)
        wait_until(self.pointer, lambda found: found == (stable, canary))
        wait_until(
            lambda: (*self.in_topic(), self._revived().in_redis(stable)),
            lambda found: found[0] == {stable} and found[1] == found[2],
        )

    def _revived(self) -> "GenerationsStation":
        """This station, with those started again that ended because they were fenced."""
        for generation, worker in self.recommenders.items():
            if worker.process.poll() == EXIT_ERROR:
                self.journal.note("fenced", generation=generation)
                self.recommend(generation)
        return self

    def wait_kept(self, generation: str) -> None:
        """Waits until `verify --deep` finds every promise kept."""
        wait_until(lambda: self._unkept(generation), lambda found: not found)

    def _unkept(self, generation: str) -> Any:
        found = self.json("verify", "--deep", ECHOTUNE_GENERATION=generation)
        unkept = [each for each in found["promises"] if each["broken"] or each["uncompared"]]
        return unkept or not (found["kept"] and found["equal"])
