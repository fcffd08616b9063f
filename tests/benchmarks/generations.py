"""Backup and restore beside plain reads of the log, and readers during switches of generations."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from redis.exceptions import RedisError

from streams.archive.backup import backup
from streams.archive.restore import prove, restore
from streams.kafka.client_settings import client_settings
from streams.kafka.log_reader import LogReader
from streams.lifecycle.journal import Journal, operation
from streams.lifecycle.overview import set_pointer
from streams.lists.served_lists import ServedLists
from streams.redis_client import redis_of
from tests.benchmarks.figures import Figure
from tests.benchmarks.load import send, start_load
from tests.benchmarks.workload import encoded, events
from tests.support.station import Station, wait_until
from topics.catalogue import LEARNING_LOG, MODEL_LIFECYCLE
from topics.lifecycle import (
    GenerationMoved,
    GenerationState,
    ServingCause,
    ServingChanged,
    encode_journal_record,
    key_of,
)

EVENTS = 300_000
JOURNAL_RECORDS = 10_000
SWITCHES, SWITCH_EVERY_S = 20, 1.5
READS_PER_S, LOAD_PER_S = 1_000, 200.0
_AT_ONCE = 1e9


def quiet(*_: object) -> None:
    """Shows no progress."""


# -- backup and restore ----------------------------------------------------------------------------


def archives(kafka_libs: Path, folder: Path, data: Path | None) -> list[Figure]:
    """Speed and size of a backup, of a restore and of its proof; and the time to read a journal."""
    some = events(data, EVENTS)
    one = Station(folder / "one", kafka_libs, is_hasty=False)
    other = Station(folder / "other", kafka_libs, is_hasty=False)
    try:
        one.up()
        workers = [one.start("sequencer"), one.start("recommender")]
        send(one.addresses.kafka, encoded(some), _AT_ONCE)
        one.wait_applied(len(some))
        for each in workers:
            each.stop()
        place, kafka = folder / "backup", one.addresses.kafka
        read_s = _seconds(lambda: _read(kafka))
        backup_s = _seconds(lambda: backup(kafka, place, quiet))
        size = sum(each.stat().st_size for each in place.glob(f"{LEARNING_LOG.name}*"))
        other.up()
        restore_s = _seconds(lambda: restore(other.settings, other.addresses.kafka, place, quiet))
        proof = prove(other.addresses.kafka, place, quiet)
        assert proof["equal"], proof
        replay = one.json("verify")
        journal_s = _journal_s(other.addresses.kafka)
    finally:
        one.close()
        other.close()
    n = len(some)
    return [
        Figure(
            "backup", n / backup_s, "events/s", "a read of the log", n / read_s, "≥ 1,000,000/s"
        ),
        Figure("backup, bytes of an event", size / n, "bytes", goal="≤ 40"),
        Figure("restore, read back and compared", n / restore_s, "events/s"),
        Figure(
            "its proof",
            proof["events"] / proof["proof_seconds"],
            "events/s",
            "echotune verify of the first log",
            replay["events"] / replay["seconds"],
            "replay speed",
        ),
        Figure(f"journal of {JOURNAL_RECORDS:,} records, read", journal_s, "s", goal="< 1 s"),
    ]


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _read(kafka: str) -> None:
    with LogReader(kafka) as reader:
        for _ in reader.records(0, reader.bounds().end - 1):
            pass


def _journal_s(kafka: str) -> float:
    producer = Producer(client_settings(kafka))
    for at in range(JOURNAL_RECORDS):
        state = GenerationState.QUIET if at % 2 else GenerationState.STOPPED
        record = GenerationMoved(name="second", to=state, **operation("a benchmark"))
        producer.produce(
            MODEL_LIFECYCLE.name, encode_journal_record(record), key=key_of(record), partition=0
        )
        producer.poll(0)
    assert producer.flush(60.0) == 0
    with Journal(kafka) as journal:
        return _seconds(journal.read)


# -- switches --------------------------------------------------------------------------------------


def switches(kafka_libs: Path, folder: Path, data: Path | None) -> list[Figure]:
    """Reads by the pointer, a thousand a second, while the stable generation changes 20 times."""
    some = events(data, 20_000)
    station = Station(folder / "switches", kafka_libs, is_hasty=False)
    try:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        send(station.addresses.kafka, encoded(some[:10_000]), _AT_ONCE)
        station.wait_applied(10_000)
        why = ("--why", "a benchmark")
        station.run("generations", "create", "second", "--model", "popularity", "--start", *why)
        station.start("recommender", ECHOTUNE_GENERATION="second")
        assert station.json("generations", "wait", "second")["caught_up"]
        folder.mkdir(exist_ok=True)
        load = start_load(
            station.addresses.kafka, encoded(some[10_000:]), folder, per_second=LOAD_PER_S
        )
        listeners = sorted({each.listener_id for each in some[:10_000]})
        found = asyncio.run(_read_during_switches(station, listeners))
        load.kill()
        load.wait()
    finally:
        station.close()
    return [
        Figure("reads a second by the pointer", found.reads / found.seconds, "/s", goal="1,000/s"),
        Figure("switches of the stable generation", float(SWITCHES), "", goal="20"),
        Figure("reads that failed", float(found.failed), "", goal="0"),
        Figure("reads of a mixed or older list", float(found.wrong), "", goal="0"),
        Figure("generations that readers saw", float(len(found.seen)), "", goal="2"),
    ]


class _Reads:
    def __init__(self) -> None:
        self.reads = self.failed = self.wrong = 0
        self.seconds = 0.0
        self.seen: set[str] = set()
        self._newest: dict[tuple[str, str], tuple[tuple[int, int], Any]] = {}

    def note(self, listener_id: str, found: Any) -> None:
        """Notes a list: the same record gives the same items, and no list is older than before."""
        self.reads += 1
        if found is None:
            self.failed += 1
            return
        self.seen.add(found.generation)
        whose = "everyone" if found.is_fallback else listener_id
        place, at = (found.generation, whose), (found.log_epoch, found.as_of)
        before, items = self._newest.get(place, (at, found.items))
        self.wrong += at < before or (at == before and found.items != items)
        self._newest[place] = at, found.items


async def _read_during_switches(station: Station, listeners: list[str]) -> _Reads:
    noted = _Reads()
    switching = asyncio.create_task(asyncio.to_thread(_switch, station))
    redis = redis_of(station.addresses)
    served = ServedLists(station.settings, redis)
    began = time.perf_counter()
    while not switching.done():
        due = began + noted.reads / READS_PER_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        listener_id = listeners[noted.reads % len(listeners)]
        try:
            noted.note(listener_id, await served.read(listener_id))
        except RedisError:
            noted.reads, noted.failed = noted.reads + 1, noted.failed + 1
    noted.seconds = time.perf_counter() - began
    await redis.aclose()
    await switching
    return noted


def _switch(station: Station) -> None:
    """Promotes both generations in turn, as `echotune generations promote` does."""
    with Journal(station.addresses.kafka) as journal:
        for stable in _in_turn():
            time.sleep(SWITCH_EVERY_S)
            journal.append(
                lambda lifecycle, stable=stable: ServingChanged(  # type: ignore[misc]
                    expected=lifecycle.plan.version,
                    stable=stable,
                    cause=ServingCause.PROMOTED,
                    **operation("a benchmark"),
                )
            )
            assert asyncio.run(set_pointer(station.settings, station.addresses, journal))
    wait_until(lambda: journal.lifecycle.plan.stable, lambda found: found == "first")


def _in_turn() -> Iterator[str]:
    for at in range(SWITCHES):
        yield "first" if at % 2 else "second"
