"""Processor time of each process at a steady rate, which varies least on a shared machine."""

import json
import time
from collections.abc import Iterator, Mapping

import psutil

from tests.benchmarks.figures import Figure
from tests.support.station import Station

EVENTS = 1_000
"""Number of events to which the reported processor time refers."""


class ProcessorTime:
    """Measures the processes of a station and further processes by name."""

    def __init__(self, station: Station, pids: Mapping[str, int]) -> None:
        self._pids = dict(_servers(station)) | pids
        self._began_at = time.perf_counter()
        self._began = self._used_s()

    def _used_s(self) -> dict[str, float]:
        times = {name: psutil.Process(pid).cpu_times() for name, pid in self._pids.items()}
        return {name: used.user + used.system for name, used in times.items()}

    def figures(self, rate: int) -> list[Figure]:
        """ms of one processor per 1,000 events since this was made, at `rate` events per second."""
        events = rate * (time.perf_counter() - self._began_at)
        return [
            Figure(
                f"processor at {rate:,}/s: {name}",
                (used_s - self._began[name]) * 1_000 * EVENTS / events,
                f"ms per {EVENTS:,} events",
            )
            for name, used_s in self._used_s().items()
        ]


def _servers(station: Station) -> Iterator[tuple[str, int]]:
    daemons = json.loads((station.home / "servers.json").read_text())["daemons"]
    for name, daemon in daemons.items():
        yield name, daemon["pid"]
