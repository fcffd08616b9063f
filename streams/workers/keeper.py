"""The keeper: carries out what armed autopilots decide, and changes nothing while none is armed.

It runs within `echotune run`, or as `echotune worker keeper`. Two of them do no harm: the second
record that follows on one plan is void.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from redis.asyncio import Redis

from infra.home import writing_in
from streams.addresses import Addresses
from streams.kafka.log_reader import LogReader
from streams.lifecycle.autopilot import (
    LATE_MS,
    Act,
    Health,
    Step,
    View,
    generations_seen,
    late_above_ms,
    next_step,
)
from streams.lifecycle.journal import Journal, operation
from streams.lifecycle.lifecycle import Lifecycle
from streams.lifecycle.overview import set_pointer, shard_statuses
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.settings import Settings
from topics.errors import EchoTuneError
from topics.lifecycle import ServingChanged

KEEPER = "keeper"
"""Who changed the plan, if no person did."""
LOOK_EVERY_S = 1.0
_NICENESS = 10
_OWN_PACKAGE = str(Path(__file__).parents[2])

Say = Callable[[str], object]


class Keeper:
    """Looks at armed generations every second, and takes their next steps."""

    def __init__(
        self,
        settings: Settings,
        addresses: Addresses,
        journal: Journal,
        say: Say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._addresses = addresses
        self._journal = journal
        self._say = say
        self._clock = clock
        self._healths: dict[str, Health] = {}
        self._said: dict[str, str] = {}
        self._comparison = _Comparison(settings.home)
        self._compares_from = 0.0

    async def run(self) -> None:
        """Acts until it is cancelled."""
        redis = redis_of(self._addresses)
        try:
            with LogReader(self._addresses.kafka) as log:
                while True:
                    await self._look_or_wait(redis, log)
                    await asyncio.sleep(LOOK_EVERY_S)
        finally:
            self._comparison.end()
            await redis.aclose()

    async def _look_or_wait(self, redis: Redis, log: LogReader) -> None:
        try:
            lifecycle = await asyncio.to_thread(self._journal.read)
            await self._look(lifecycle, redis, log)
        except (*REDIS_UNAVAILABLE, EchoTuneError, OSError) as error:
            self._healths = {}  # an outage is nobody's fault: what was seen before it is forgotten
            self._say_once("", f"the autopilot waits: {error}")

    async def _look(self, lifecycle: Lifecycle, redis: Redis, log: LogReader) -> None:
        names = generations_seen(lifecycle)
        if not names:
            self._healths = {}
            return
        log_end = (await asyncio.to_thread(log.bounds)).end
        now, stable = self._clock(), lifecycle.plan.stable
        healths = {}
        for name in names:
            shards = lifecycle.generations[name].shards
            statuses = await shard_statuses(self._settings, redis, name, shards)
            late_ms = late_above_ms(lifecycle) if name == stable else LATE_MS
            known = self._healths.get(name, Health())
            healths[name] = known.seen(now, statuses, log_end, late_ms)
        self._healths = healths
        for name in list(lifecycle.autopilots):
            version = lifecycle.plan.version
            view = View(lifecycle, healths, log_end, time.time_ns() // 1_000_000)
            if await self._take(name, next_step(view, name), version, lifecycle):
                return  # the next look sees what follows

    async def _take(self, name: str, step: Step, version: int, lifecycle: Lifecycle) -> bool:
        """Takes a step; returns whether the plan may be another one now."""
        self._say_once(name, f"autopilot of {name}: {step.says}")
        match step.act:
            case Act.CHANGE:
                await self._change(step, version)
                return True
            case Act.COMPARE if not self._comparison.runs and self._clock() >= self._compares_from:
                self._compares_from = self._clock() + lifecycle.autopilots[name].dwell_s
                self._comparison.begin(name, step.other)
        return False

    async def _change(self, step: Step, version: int) -> None:
        said = operation(step.says, KEEPER)
        record = ServingChanged(expected=version, automatic=True, **step.plan, **said)
        appended = await asyncio.to_thread(self._journal.append, lambda _: record)
        if not appended.is_valid:
            self._say(f"the autopilot changed nothing: {appended.own.void}")
            return
        await set_pointer(self._settings, self._addresses, self._journal)

    def _say_once(self, name: str, text: str) -> None:
        if self._said.get(name) != text:
            self._said[name] = text
            self._say(text)


class _Comparison:
    """A comparison in a process of its own, at a low priority; it writes to the journal itself."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """Whether it is not done yet."""
        return self._process is not None and self._process.poll() is None

    def begin(self, a: str, b: str) -> None:
        """Starts `echotune generations compare`."""
        paths = [_OWN_PACKAGE, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        variables = {"PYTHONPATH": os.pathsep.join(paths), "ECHOTUNE_WHO": KEEPER}
        log = self._home / "logs" / "comparison.log"
        with writing_in(self._home):
            log.parent.mkdir(parents=True, exist_ok=True)
            out = log.open("ab")
        with out:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "streams.cli", "generations", "compare", a, b],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | variables,
            )
        os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)

    def end(self) -> None:
        """Terminates it, if it still runs."""
        if self._process is not None and self.runs:
            self._process.terminate()
            self._process.wait()
