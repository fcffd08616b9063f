"""A station for fault tests: workers that are killed and restarted, and servers behind proxies."""

import random
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import psutil

from infra.daemon import LOOPBACK, free_port
from infra.kafka_server import KafkaServer
from streams.monitoring.worker_status import recommender_key
from tests.support.feeding import Feeder
from tests.support.journal import Journal
from tests.support.lists_seen import redis_of
from tests.support.station import StationHere, Worker, wait_until
from tests.support.tcp_proxy import TcpProxy
from tests.support.verdict import kept
from tests.support.workload import Workload

STOP_PORTION, STOP_POLL_S, STOP_PORTIONS_MAX = 60, 0.25, 240
"""Events per portion, and the time between portions in which a worker can reach its crash point."""


class FaultStation(StationHere):
    """A station with a journal; `keep_running` restarts workers that were killed or have ended."""

    def __init__(self, home: Path, kafka_libs: Path) -> None:
        super().__init__(home, kafka_libs)
        home.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(home / "journal.jsonl")
        self._kept: list[tuple[str, Worker]] = []

    def keep(self, *kinds: str) -> None:
        """Starts a worker of each of `kinds`, which `keep_running` restarts."""
        self._kept += [(kind, self._begin(kind)) for kind in kinds]

    def _begin(self, kind: str) -> Worker:
        worker = self.start(kind)
        self.journal.note("started", kind=kind, pid=worker.process.pid)
        return worker

    def running(self, kind: str) -> list[Worker]:
        """The kept workers of a kind."""
        return [worker for each, worker in self._kept if each == kind]

    def keep_running(self) -> None:
        """Restarts workers that have ended."""
        for at, (kind, worker) in enumerate(self._kept):
            if worker.process.poll() is not None:
                self.journal.note("ended", kind=kind, code=worker.process.returncode)
                self._kept[at] = (kind, self._begin(kind))

    def kill_one(self, kind: str, chance: random.Random) -> None:
        """Kills (SIGKILL) one worker of a kind, and starts another immediately."""
        victim, as_of = chance.choice(self.running(kind)), self.folded()
        victim.kill()
        self.journal.note("killed", kind=kind, pid=victim.process.pid, as_of=as_of)
        self.keep_running()

    def wait_folded_beyond(self, as_of: int) -> None:
        """Waits until a recommender has folded records beyond a log offset."""
        wait_until(self.folded, lambda found: found > as_of)

    def folded(self) -> int:
        """The log offset up to which the recommender has last reported to have folded."""
        key = recommender_key(self.settings.recommender_id)
        with redis_of(self) as redis:
            found = redis.get(key)
        return int(orjson.loads(found)["as_of"]) if found else -1

    def until_it_stops(
        self, worker: Worker, feeder: Feeder, workload: Workload, *, frozen: bool = False
    ) -> None:
        """Feeds portions of events until the worker has died or frozen at its crash point."""
        for _ in range(STOP_PORTIONS_MAX):
            if worker.process.poll() is not None or (frozen and is_frozen(worker)):
                break
            feeder.feed(workload.take(STOP_PORTION))
            time.sleep(STOP_POLL_S)
        code = worker.process.poll()
        assert code == (None if frozen else -signal.SIGKILL), worker.text()[-2_000:]
        self.journal.note("frozen" if frozen else "died at its point", pid=worker.process.pid)

    def crashes(self, kind: str) -> int:
        """Number of workers of a kind that ended with an error and were not killed."""
        return sum(each["code"] != -9 for each in self.journal.entries("ended", kind=kind))

    def verdict(self, feeder: Feeder) -> dict[str, Any]:
        """Waits until every event is applied and published; fails with the first broken promise."""
        self.keep_running()
        feeder.finish()
        began = time.monotonic()
        self.journal.note("fed", **feeder.as_json())
        deep = kept(self, feeder)
        took_s = round(time.monotonic() - began, 1)
        self.journal.note("kept", events=deep["events"], settled_and_checked_s=took_s)
        return deep


def is_frozen(worker: Worker) -> bool:
    """Whether the process has received SIGSTOP."""
    return psutil.Process(worker.process.pid).status() == psutil.STATUS_STOPPED


class ProxiedKafka(KafkaServer):
    """A Kafka with one more listener, which is advertised at a proxy's port."""

    def __init__(self, *arguments: Any, proxy: TcpProxy, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._proxy = proxy

    def _properties(self, port: int, controller_port: int) -> str:
        inner = self._proxy.server_port = self._proxy.server_port or free_port()
        text = super()._properties(port, controller_port)
        added: Mapping[str, str] = {
            "listeners=": f"PROXIED://{LOOPBACK}:{inner},",
            "advertised.listeners=": f"PROXIED://{LOOPBACK}:{self._proxy.port},",
            "listener.security.protocol.map=": "PROXIED:PLAINTEXT,",
        }
        lines = [_with(line, added) for line in text.splitlines()]
        return "\n".join([*lines, "inter.broker.listener.name=PLAINTEXT", ""])


def _with(line: str, added: Mapping[str, str]) -> str:
    for start, more in added.items():
        if line.startswith(start):
            return start + more + line.removeprefix(start)
    return line


class ProxiedStation(FaultStation):
    """Workers connect to Kafka, Redis, or both through proxies; tests connect directly."""

    def __init__(self, home: Path, kafka_libs: Path, kafka: TcpProxy, redis: TcpProxy) -> None:
        super().__init__(home, kafka_libs)
        self._proxies = {"kafka": kafka, "redis": redis}
        folder, log = self.servers._home / "kafka", self.servers._home / "logs" / "kafka.log"
        self.servers._servers["kafka"] = ProxiedKafka(
            folder, kafka_libs.absolute(), log, fast_start=True, proxy=kafka
        )

    def start(self, kind: str, **environment: str) -> Worker:
        """Starts a worker that has only the addresses of the proxies."""
        redis = self._proxies["redis"]
        redis.server_port = int(self.addresses.redis.rpartition(":")[2].split("/")[0])
        through = {
            "ECHOTUNE_KAFKA": f"{LOOPBACK}:{self._proxies['kafka'].port}",
            "ECHOTUNE_REDIS": f"redis://{LOOPBACK}:{redis.port}/0",
        }
        return super().start(kind, **through, **environment)
