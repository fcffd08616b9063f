"""`echotune worker` with the changes that a test asks for: mutations, faults and crash points.

Run as `python -m tests.support.altered_worker worker KIND`. Production code does not refer to
this module: everything is patched here, as environment variables request.
"""

import os
import signal

from streams.cli import run_and_end
from tests.support.broken_effects import EFFECTS
from tests.support.crash_points import stop_at
from tests.support.mutations import mutate


def alter() -> None:
    """Takes a safeguard away, breaks an effect, or sets a crash point, by environment variables."""
    if mutation := os.environ.get("ECHOTUNE_TEST_MUTATION"):
        mutate(mutation)
    if effect := os.environ.get("ECHOTUNE_TEST_BREAK"):
        name, _, time = effect.partition(":")
        EFFECTS[name](int(time or 1))
    for variable, number in (
        ("ECHOTUNE_TEST_CRASH", signal.SIGKILL),
        ("ECHOTUNE_TEST_FREEZE", signal.SIGSTOP),
    ):
        if stop := os.environ.get(variable):
            point, _, time = stop.partition(":")
            stop_at(point, int(time or 1), number)


if __name__ == "__main__":
    alter()
    run_and_end()
