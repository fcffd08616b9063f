"""Samples the memory and the file descriptors of running workers."""

from typing import NamedTuple

import numpy as np
import psutil

from tests.support.station import Worker

MIB = 1024 * 1024


class Sample(NamedTuple):
    """Memory and descriptors of one worker at one moment."""

    at_s: float
    rss_mib: float
    descriptors: int


def sample_of(worker: Worker, at_s: float) -> Sample:
    """The current memory and descriptors of a worker."""
    process = psutil.Process(worker.process.pid)
    return Sample(at_s, process.memory_info().rss / MIB, process.num_fds())


def slope_mib_per_10_min(samples: list[Sample]) -> float:
    """The growth of memory, by least squares."""
    times = [each.at_s / 600 for each in samples]
    return float(np.polyfit(times, [each.rss_mib for each in samples], 1)[0])
