"""Probes (health checks) of several servers in parallel, within one time limit for all of them.

A probe that hangs is abandoned. What it has found so far is used, and its last question is named.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any


class Probe:
    """The answers of one server so far."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        """Fields of the facts."""
        self.question = "anything"
        """The last question that the server was asked."""
        self.problem: object = None
        """Why the server is unavailable; None if it answers."""
        self.is_over = False
        self.failure: BaseException | None = None


Questions = Callable[[Probe], None]
"""Asks one server everything, and notes the answers in the probe."""


def run_probes(questions: Mapping[str, Questions], within_s: float) -> dict[str, Probe]:
    """Asks each server in its own thread; returns when all are done or the time is over.

    An exception that a probe raises is raised here.
    """
    probes = {server: Probe() for server in questions}
    threads = [
        threading.Thread(target=_run, args=(questions[server], probe), name=server, daemon=True)
        for server, probe in probes.items()
    ]
    ends_at = time.monotonic() + within_s
    for each in threads:
        each.start()
    for each in threads:
        each.join(max(0.0, ends_at - time.monotonic()))
    return {server: _result(probe, within_s) for server, probe in probes.items()}


def _run(ask: Questions, probe: Probe) -> None:
    try:
        ask(probe)
    except BaseException as error:
        probe.failure = error
    probe.is_over = True


def _result(probe: Probe, within_s: float) -> Probe:
    """A copy of what is known now; later answers of the probe do not change it."""
    now = Probe()
    now.is_over, now.question, now.problem = probe.is_over, probe.question, probe.problem
    now.found = dict(probe.found)
    if probe.failure is not None:
        raise probe.failure
    if not now.is_over:
        now.problem = f"it was asked for {now.question} and did not answer within {within_s:.0f} s"
    return now
