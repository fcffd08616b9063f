"""Freshness: end-to-end latency from a produced event to its list in Redis, under a steady load.

Probes are events of listeners of their own, one at a time: an event is sent, and Redis is polled
until that listener's list is a newer one. The peer is a bare consumer (confluent-kafka, in a
process of its own), which consumes the same probes from the same topic.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition
from redis import Redis

from streams.lists.redis_lists import list_key
from tests.benchmarks.figures import Figure
from tests.benchmarks.load import start_load
from tests.benchmarks.processor import ProcessorTime
from tests.benchmarks.workload import Encoded, encoded, events
from tests.support.events import an_event, now_ms
from tests.support.station import Station, wait_until
from topics.catalogue import LISTENING_EVENTS

RATES_PER_S = (1_000, 5_000)
WARM_S = 30.0
SECONDS = 20.0
PROBES = 40
_SENT_AT = "sent_at"
_LOOK_EVERY_S = 0.001
"""Polling interval: longer would blur the figure, shorter would use too much processor time."""
_REST_S = 0.01


def freshness(kafka_libs: Path, folder: Path, data: Path | None) -> list[Figure]:
    """p50 and p99 at each rate in ms, and the processor time that was used."""
    some = encoded(events(data, int(max(RATES_PER_S) * (SECONDS + WARM_S + 10))))
    station = Station(folder / "fresh", kafka_libs, is_hasty=False)
    station.up()
    try:
        workers = {kind: station.start(kind).process.pid for kind in ("sequencer", "recommender")}
        station.produce([an_event(listener_id=f"probe-{at}") for at in range(PROBES)])
        with Redis.from_url(station.addresses.redis) as redis:
            for at in range(PROBES):
                wait_until(lambda at=at: _as_of(redis, at), lambda found: found is not None)
            return [
                figure
                for rate in RATES_PER_S
                for figure in _at_rate(station, workers, redis, some, folder, rate)
            ]
    finally:
        station.close()


def _at_rate(
    station: Station,
    workers: dict[str, int],
    redis: "Redis",
    some: list[Encoded],
    folder: Path,
    rate: int,
) -> list[Figure]:
    kafka = station.addresses.kafka
    wanted = int(rate * (SECONDS + WARM_S + 5))
    load = start_load(kafka, some[:wanted], folder, per_second=rate)
    bare = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.freshness", kafka, str(SECONDS + WARM_S)],
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(WARM_S)
    pids = {**workers, "load": load.pid, "prober": os.getpid(), "bare consumer": bare.pid}
    processor = ProcessorTime(station, pids)
    ours = _probe(kafka, redis, SECONDS - 1)
    used = processor.figures(rate)
    out, _ = bare.communicate()
    load.wait()
    theirs = np.array([float(each) for each in out.split()])
    return [
        Figure(
            f"freshness p{q} at {rate:,}/s",
            float(np.percentile(ours, q)),
            "ms",
            "bare consumer, one hop",
            float(np.percentile(theirs, q)),
            f"≤ {4 if q == 50 else 6} ×",
        )
        for q in (50, 99)
    ] + used


def _probe(kafka: str, redis: "Redis", seconds: float) -> list[float]:
    producer = Producer(
        {"bootstrap.servers": kafka, "acks": "all", "partitioner": "murmur2_random", "linger.ms": 0}
    )
    ages_ms: list[float] = []
    ends = time.time() + seconds
    while time.time() < ends:
        at = len(ages_ms) % PROBES
        before = _as_of(redis, at)
        [event] = encoded(
            [
                an_event(
                    listener_id=f"probe-{at}", listened_at=now_ms(), event_id=f"{time.time_ns()}"
                )
            ]
        )
        sent_at = time.time()
        producer.produce(
            LISTENING_EVENTS.name,
            event.value,
            key=event.key,
            headers=[(_SENT_AT, repr(sent_at).encode())],
        )
        producer.poll(0)
        while _as_of(redis, at) == before:
            time.sleep(_LOOK_EVERY_S)
        ages_ms.append((time.time() - sent_at) * 1000)
        time.sleep(_REST_S)
    producer.flush()
    return ages_ms


def _as_of(redis: "Redis", probe: int) -> bytes | None:
    return redis.hget(list_key("first", f"probe-{probe}"), "as_of")


def consume(kafka: str, seconds: float) -> list[float]:
    """Ages in ms of the probes that a bare consumer receives from now on."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "bare", "fetch.wait.max.ms": 100})
    topic = consumer.list_topics(LISTENING_EVENTS.name, timeout=10).topics[LISTENING_EVENTS.name]
    consumer.assign(
        [
            TopicPartition(LISTENING_EVENTS.name, each, _end(consumer, each))
            for each in topic.partitions
        ]
    )
    ages_ms: list[float] = []
    ends = time.time() + seconds
    while time.time() < ends:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None and message.headers():
            sent_at = float(dict(message.headers())[_SENT_AT])
            ages_ms.append((time.time() - sent_at) * 1000)
    consumer.close()
    return ages_ms


def _end(consumer: Consumer, partition: int) -> int:
    return int(consumer.get_watermark_offsets(TopicPartition(LISTENING_EVENTS.name, partition))[1])


if __name__ == "__main__":
    print(*consume(sys.argv[1], float(sys.argv[2])))
