"""Every check of the doctor: from facts to a finding, without I/O.

A check that has nothing to judge, since a server is away, says nothing: that the server is away is
a finding of its own.
"""

from collections.abc import Iterator

from streams.doctor.checks import log, servers, state, workers
from streams.doctor.facts import Facts
from streams.doctor.findings import Check, Finding

CHECKS: dict[str, Check] = {**servers.CHECKS, **workers.CHECKS, **log.CHECKS, **state.CHECKS}
"""In the order in which they are said."""


def examined(facts: Facts) -> Iterator[Finding]:
    """What each check finds."""
    for name, judge in CHECKS.items():
        judged = judge(facts)
        if judged is not None:
            yield Finding(name, *judged)
