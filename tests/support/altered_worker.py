"""`echotune worker` as it is, but for what a test takes away or where it lets it crash.

Run as `python -m tests.support.altered_worker worker KIND`. Production code knows nothing of it:
everything is patched from here, by what the environment names.
"""

import os

from streams.cli import main
from tests.support.crash_points import crash_at
from tests.support.mutations import mutate


def alter() -> None:
    """Takes a safeguard away, sets a crash point, or both."""
    if mutation := os.environ.get("ECHOTUNE_TEST_MUTATION"):
        mutate(mutation)
    if crash := os.environ.get("ECHOTUNE_TEST_CRASH"):
        point, _, time = crash.partition(":")
        crash_at(point, int(time or 1))


if __name__ == "__main__":
    alter()
    main()
