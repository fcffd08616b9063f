"""All health checks of the doctor; each makes a finding from the facts, without I/O.

A check that cannot judge because a server is unavailable makes no finding. The unavailable server
is a finding of its own.
"""

from collections.abc import Iterator

from streams.doctor.checks import log, servers, state, workers
from streams.doctor.facts import Facts
from streams.doctor.findings import Check, Finding

CHECKS: dict[str, Check] = {**servers.CHECKS, **workers.CHECKS, **log.CHECKS, **state.CHECKS}
"""By name, in the order of the report."""


def examined(facts: Facts) -> Iterator[Finding]:
    """The finding of each check that can judge."""
    for name, judge in CHECKS.items():
        judged = judge(facts)
        if judged is not None:
            yield Finding(name, *judged)
