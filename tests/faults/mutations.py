"""`make test-mutations`: mutation testing. Takes each safeguard away and prints which test fails.

Each safeguard has a quick test of its own, and a directed fault test (drill) on real servers and
real workers (`test_drills.py`) if the fault can be caused there. Prints a row per safeguard and
test. The exit code is 1 if a test does not fail without its safeguard.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.support.mutations import MUTATIONS

REPOSITORY = Path(__file__).parent.parent.parent
UNIT = "tests/unit/streams"
DRILLS = "tests/faults/test_drills.py"
SIMULATION = "tests/simulation/test_simulation.py::test_no_seed"
TESTS: dict[str, tuple[str, ...]] = {
    "row-offset mask": (
        f"{UNIT}/folding/test_fold.py",
        f"{DRILLS}::test_a_repeated_chunk",
        SIMULATION,
    ),
    "hole rule": (
        f"{UNIT}/folding/test_coverage.py",
        f"{DRILLS}::test_a_lost_chunk",
        SIMULATION,
    ),
    "duplicate window": (
        f"{UNIT}/folding/test_fold.py",
        f"{DRILLS}::test_a_repeated_chunk",
        SIMULATION,
    ),
    "length of a near duplicate": (f"{UNIT}/folding/test_near_duplicates.py",),
    "near duplicates of other sources alone": (f"{UNIT}/folding/test_near_duplicates.py",),
    "one masked play of each source": (f"{UNIT}/folding/test_near_duplicates.py",),
    "compare-and-set of the frontier": (
        "tests/contract/test_list_store.py",
        "tests/integration/test_recommender_zombie.py",
        SIMULATION,
    ),
    "compare-and-set of a list": ("tests/contract/test_list_store.py",),
    "snapshot checksum": (
        f"{UNIT}/snapshots/test_snapshot_format.py",
        f"{DRILLS}::test_a_damaged_snapshot",
        SIMULATION,
    ),
    "acknowledge after the produce": (
        f"{UNIT}/agents/test_sequence.py",
        SIMULATION,
    ),
    "acknowledge in order": (
        f"{UNIT}/sequencing/test_pipeline.py",
        f"{DRILLS}::test_a_late_dead_letter",
        SIMULATION,
    ),
    "Redis repair": (
        f"{UNIT}/publishing/test_publisher.py",
        f"{DRILLS}::test_an_emptied_redis",
        SIMULATION,
    ),
    "dead letter before the acknowledgement": (
        f"{UNIT}/sequencing/test_pipeline.py",
        f"{DRILLS}::test_a_late_dead_letter",
        SIMULATION,
    ),
    "assignment epoch of delivery reports": (f"{UNIT}/sequencing/test_pipeline.py",),
    "transactional fencing": (
        "tests/integration/test_recommender_zombie.py",
        f"{DRILLS}::test_a_frozen_recommender",
    ),
    "publish frontier": (
        f"{UNIT}/publishing/test_gate.py",
        f"{DRILLS}::test_a_recommender_killed_before_it_published",
        SIMULATION,
    ),
    "`next` for a chunk without rows": (
        f"{UNIT}/folding/test_coverage.py",
        f"{DRILLS}::test_nothing_but_poison",
        SIMULATION,
    ),
    "healing of a lost tail": (
        f"{UNIT}/sequencing/test_lost_rows.py",
        f"{DRILLS}::test_a_lost_tail",
        SIMULATION,
    ),
    "snapshot of this log": (
        f"{UNIT}/snapshots/test_loading.py",
        SIMULATION,
    ),
    "log without a hole": (f"{UNIT}/folding/test_fold.py",),
    "chunks of a former assignment": (f"{UNIT}/agents/test_sequence.py",),
    "removals that the log asks for": (
        f"{UNIT}/publishing/test_publisher.py",
        "tests/integration/test_recommender.py::test_whom_the_snapshot_forgot",
        SIMULATION,
    ),
    "journal read after fencing": (f"{UNIT}/ownership/test_takeover.py",),
    "another claim of whom a new holder fenced": (f"{UNIT}/ownership/test_takeover.py",),
    "takeover of whom a new holder fenced": (f"{UNIT}/ownership/test_ownership.py",),
    "what the topic shows that Redis lost": (f"{UNIT}/ownership/test_takeover.py",),
    "journal read before a retired generation publishes": (
        f"{UNIT}/ownership/test_takeover.py",
        SIMULATION,
    ),
    "plan that the writer knew": (f"{UNIT}/lifecycle/test_lifecycle.py",),
    "pointer of the newest plan": ("tests/integration/test_pointer.py",),
    "gate of a fresh generation": (f"{UNIT}/ownership/test_gate_opening.py",),
    "one holder of the topic": ("tests/integration/test_generations.py",),
    "sweep of the topic": ("tests/integration/test_sweep.py",),
    "a read of the journal before an older plan": (
        "tests/integration/test_pointer.py",
        SIMULATION,
    ),
    "frontiers of other generations": (SIMULATION,),
    "numbers that outlive redis": (f"{UNIT}/publishing/test_redis_alone.py",),
    "coverage of what is skimmed": (f"{UNIT}/folding/test_skimming.py",),
    "erasures before an export": (f"{UNIT}/folding/test_judging.py",),
    "hysteresis of the autopilot": (f"{UNIT}/lifecycle/test_autopilot.py",),
    "clusters of a comparison": ("tests/unit/online_models/evaluation/test_confidence.py",),
    "position after the listens": ("tests/integration/test_listen_projector.py",),
    "a second look before somebody is forgotten": ("tests/integration/test_listen_projector.py",),
    "verdicts up to the position alone": ("tests/integration/test_listen_projector.py",),
    "heartbeats of the stable generation": (f"{UNIT}/heartbeats/test_fold_position.py",),
    "heartbeats of retired generations": (f"{UNIT}/lifecycle/test_known_generations.py",),
    "log epochs of the stable generation": (f"{UNIT}/ownership/test_ownership.py",),
    "proof of ownership before a repair": (
        f"{UNIT}/publishing/test_publisher.py",
        "tests/simulation/test_simulation.py::test_a_seed_that_broke",
    ),
    "questions change nothing": (
        f"{UNIT}/answering/test_model_answers.py",
        "tests/e2e/test_lists_on_demand.py::test_questions_leave",
    ),
}


class Outcome(NamedTuple):
    """The test that failed first, empty if none did, and how long the tests ran."""

    failed: str
    took_s: float


def tried(safeguard: str, tests: str) -> Outcome:
    """Runs `tests` without the safeguard until the first one fails."""
    began = time.monotonic()
    options = ["-x", "-p", "no:cacheprovider", "-p", "tests.support.mutating"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-m", "fault or not fault", *_selected(tests)],
        cwd=REPOSITORY,
        env={**os.environ, "ECHOTUNE_TEST_MUTATION": safeguard},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"^(?:FAILED|ERROR) \S*?([^/\s]+::[^\[\s]+)", done.stdout, re.MULTILINE)
    if done.returncode not in (0, 1) or (done.returncode == 1 and found is None):
        raise RuntimeError(f"{tests} could not be run: {done.stdout[-3000:]}{done.stderr[-1000:]}")
    return Outcome(found[1] if found else "", time.monotonic() - began)


def _selected(tests: str) -> list[str]:
    """A whole file, or the tests of a file whose names start with a prefix."""
    path, _, begins = tests.partition("::")
    return [path, "-k", begins] if begins else [path]


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no drills on real servers")
    parser.add_argument("--only", action="append", help="one safeguard; may be repeated")
    options = parser.parse_args()
    assert TESTS.keys() == MUTATIONS.keys(), TESTS.keys() ^ MUTATIONS.keys()
    unnoticed = []
    print("| safeguard | taken away, this fails | after |\n|---|---|---|", flush=True)
    for safeguard in options.only or TESTS:
        for tests in TESTS[safeguard]:
            if options.quick and tests.startswith(DRILLS):
                continue
            failed, took_s = tried(safeguard, tests)
            unnoticed += [] if failed else [f"{safeguard}: {tests}"]
            print(f"| {safeguard} | {failed or 'NOTHING'} | {took_s:.0f} s |", flush=True)
    for each in unnoticed:
        print(f"not noticed: {each}", file=sys.stderr)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
