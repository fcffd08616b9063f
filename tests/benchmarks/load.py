"""A load generator in a process of its own: sends encoded events at a steady rate."""

import pickle
import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka import Producer

from tests.benchmarks.workload import Encoded
from topics.catalogue import LISTENING_EVENTS

BURST_S = 0.005


def start_load(
    kafka: str, some: list[Encoded], folder: Path, *, per_second: float
) -> "subprocess.Popen[bytes]":
    """Sends `some` at `per_second` from another process, which ends when all are sent."""
    path = folder / f"load-{time.monotonic_ns()}.pickle"
    path.write_bytes(pickle.dumps(some))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.load", kafka, str(path), str(per_second)]
    )


def send(kafka: str, some: list[Encoded], per_second: float) -> None:
    """Sends `some` in bursts of `BURST_S`, never faster than `per_second` on average."""
    producer = Producer(
        {
            "bootstrap.servers": kafka,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 1,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 500_000,
        }
    )
    began = time.perf_counter()
    sent = 0
    while sent < len(some):
        due = min(len(some), int((time.perf_counter() - began) * per_second) + 1)
        for each in some[sent:due]:
            producer.produce(LISTENING_EVENTS.name, each.value, key=each.key)
        sent = due
        producer.poll(0)
        time.sleep(BURST_S)
    producer.flush()


if __name__ == "__main__":
    _, address, path, pace = sys.argv
    send(address, pickle.loads(Path(path).read_bytes()), float(pace))
