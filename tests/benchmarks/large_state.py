"""A recommender that has learnt a million events, and a steady stream of further events.

Batches are written directly to the learning-log; sequencers are measured elsewhere.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from confluent_kafka import Producer
from redis import Redis

from streams.kafka.client_settings import client_settings
from streams.lists.redis_lists import list_key
from tests.support.learning_log import BEGAN_MS, an_event
from tests.support.station import REPOSITORY, Station, Worker
from topics.catalogue import LEARNING_LOG
from topics.learning_batch import LearningBatch, SourcePartition, SourceRow, columns_of
from topics.learning_log import encode_log_record
from topics.listening_event import EventFields

STATE_EVENTS = int(os.environ.get("ECHOTUNE_BENCH_STATE_EVENTS", "1_000_000"))
LISTENERS, TRACKS = 20_000, 50_000
EVENTS_A_RECORD = 2_000
RECORDS_PER_S, EVENTS_A_LIVE_RECORD = 100, 10
"""The continuing stream: 1,000 events per second, a log record every 10 ms."""
PROBE = "probe"
"""The probe: a listener with a play in every log record, whose list shows how fresh lists are."""
_FILL_TIMEOUT_S = 1_800.0
_LOOK_EVERY_S = 0.5


def batches(size: int, seed: int, minute: float) -> Iterator[LearningBatch]:
    """Yields endless batches of `size` events, from `minute` on, of a source of their own."""
    events, start = _events(seed, minute), 0
    source = SourcePartition(seed.to_bytes(16, "big"), 0)
    while True:
        some = [*islice(events, size - 1)]
        probe = an_event(PROBE, f"track-{start % 97}", minute + start / 5_000)
        now_ms = time.time_ns() // 1_000_000
        rows = [SourceRow(start + at, now_ms, each) for at, each in enumerate([*some, probe])]
        strings, columns = columns_of(rows, start)
        yield LearningBatch(source, start, start + size - 1, strings, columns)
        start += size


def _events(seed: int, minute: float) -> Iterator[EventFields]:
    """Random plays of all listeners: few tracks are played often and many rarely."""
    chance, step = np.random.default_rng(seed), 0
    while True:
        listeners = chance.integers(0, LISTENERS, LISTENERS)
        tracks = (TRACKS * chance.random(LISTENERS) ** 3).astype(int)
        for listener, track in zip(listeners.tolist(), tracks.tolist(), strict=True):
            yield an_event(f"listener-{listener}", f"track-{track}", minute + step / 5_000)
            step += 1


def fill(kafka: str) -> int:
    """Writes the history to the log; returns its last offset."""
    records = STATE_EVENTS // EVENTS_A_RECORD
    producer = _producer(kafka)
    for batch in islice(batches(EVENTS_A_RECORD, 1, 0.0), records):
        _append(producer, batch)
    producer.flush()
    return records - 1


def go_on(kafka: str, seconds: float) -> None:
    """Writes a stream that continues the history, at its rate."""
    producer = _producer(kafka)
    began, since_s = time.perf_counter(), int(time.time() - BEGAN_MS / 1000)
    for at, batch in enumerate(batches(EVENTS_A_LIVE_RECORD, since_s, since_s / 60)):
        time.sleep(max(0.0, began + at / RECORDS_PER_S - time.perf_counter()))
        if time.perf_counter() - began > seconds:
            break
        _append(producer, batch)
    producer.flush()


def _producer(kafka: str) -> Producer:
    return Producer(client_settings(kafka) | {"enable.idempotence": True, "linger.ms": 0})


def _append(producer: Producer, batch: LearningBatch) -> None:
    producer.produce(LEARNING_LOG.name, encode_log_record(batch), partition=0)
    producer.poll(0)


class LargeState:
    """A station with such a recommender. It has to be closed."""

    def __init__(self, folder: Path, kafka_libs: Path, **environment: str) -> None:
        self.station = Station(folder, kafka_libs, is_hasty=False)
        self.station.environment |= environment
        self.station.up()
        self.redis: Redis = Redis.from_url(self.station.addresses.redis)
        try:
            last = fill(self.station.addresses.kafka)
            self.worker = self.start()
            self.wait_as_of(last, _LOOK_EVERY_S)
        except BaseException:
            self.close()
            raise

    def start(self) -> Worker:
        """Starts the recommender."""
        self.worker = self.station.start("recommender")
        return self.worker

    @contextmanager
    def going_on(self, seconds: float) -> Iterator[None]:
        """While the context is open, another process writes a stream of events."""
        kafka = self.station.addresses.kafka
        command = [sys.executable, "-m", "tests.benchmarks.large_state", kafka, str(seconds)]
        load = subprocess.Popen(command, cwd=REPOSITORY)
        try:
            yield
        finally:
            load.terminate()
            load.wait()

    def as_of(self) -> int:
        """The `as_of` of the probe's list in Redis; -1 while there is none."""
        return int(self.redis.hget(list_key("first", PROBE), "as_of") or -1)

    def wait_as_of(self, offset: int, look_every_s: float) -> None:
        """Waits for the probe's list as of a log record; fails if no worker runs."""
        deadline = time.monotonic() + _FILL_TIMEOUT_S
        while self.as_of() < offset:
            assert time.monotonic() < deadline, f"no list as of {offset}"
            assert self.worker.process.poll() is None, self.worker.text()[-2_000:]
            time.sleep(look_every_s)

    def close(self) -> None:
        """Stops all processes."""
        self.redis.close()
        self.station.close()


if __name__ == "__main__":
    go_on(sys.argv[1], float(sys.argv[2]))
