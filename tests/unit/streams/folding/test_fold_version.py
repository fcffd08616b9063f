"""The digest of a fixed log, beside the version that it belongs to.

When this fails, results have changed: raise `FOLD_VERSION`, so that no snapshot of the former
version is loaded, and write the new digest here.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.folding.fold_state import FOLD_VERSION
from tests.support.learning_log import (
    SOURCE,
    a_batch,
    a_fold,
    a_history,
    an_event,
    batches,
    folded,
)
from topics.control_records import LogEpochStarted, SourceAdded, SourceTruncated
from topics.learning_log import LogRecord, decode_log_record, encode_log_record

VERSION = 8
DIGEST = "992c97134c0f41bdc8ec43e1f5ed9840"
REPOSITORY = Path(__file__).parents[4]
PLAYS = 600


def a_fixed_log() -> list[LogRecord]:
    """Every kind of record and of row, in the bytes of the log."""
    last = a_history(PLAYS)[-1]
    everything_else = a_batch(
        last,
        an_event("listener-1", "track-1", 2_000, kind="LOVE"),
        an_event("listener-1", "track-2", 2_001, kind="HATE"),
        an_event("listener-2", "track-2", 2_002, kind="CLEAR"),
        an_event("listener-2", "track-3", 2_003, kind="RETRACT"),
        an_event("listener-3", "track-4", 2_004, kind="NOW_PLAYING"),
        an_event("listener-3", "track-5", 7, source="lastfm"),
        an_event("listener-4", None, 3_000, kind="ERASE"),
        an_event("listener-4", "track-6", 2_999),
        an_event("listener-4", "track-6", 3_001, ms_played=5_000, reason_end="fwdbtn"),
        an_event("björk-fan", "tráck 🎧", 3_002, artist_id=None),
        an_event("listener-5", "track-7", 3_010, duration_ms=210_000),
        an_event("listener-5", "track-7", 3_011.75, source="rescrobbled"),
        an_event("listener-5", "track-7", 3_011.75, source="rescrobbled", kind="KEEP"),
        an_event("listener-5", "track-7", 3_012, source="lastfm"),
        an_event("listener-1", "track-3", 3_013, kind="DISMISS"),
        an_event("listener-1", "track-4", 3_014, kind="SKIP"),
        from_offset=PLAYS,
        to_offset=PLAYS + 18,
        rejected=[(PLAYS + 17, "undecodable")],
    )
    return [
        SourceAdded(SOURCE.topic_id, "listening-events"),
        *batches(a_history(PLAYS), 50),
        everything_else,
        SourceTruncated(SOURCE.topic_id, 0, PLAYS + 20),
        LogEpochStarted(1, "cut"),
    ]


def digest_of_the_fixed_log() -> str:
    written = [encode_log_record(record) for record in a_fixed_log()]
    log = [decode_log_record(value, at) for at, value in enumerate(written)]
    return folded(a_fold("fast"), log).digest()


def test_the_same_log_gives_the_state_that_this_version_always_gave() -> None:
    assert (FOLD_VERSION, digest_of_the_fixed_log()) == (VERSION, DIGEST)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "4294967295"},
        {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    ],
    ids=["a hash seed", "another hash seed", "a generic processor"],
)
def test_any_process_on_any_processor_comes_to_the_same_state(
    environment: dict[str, str],
) -> None:
    found = subprocess.run(
        [sys.executable, __file__],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.strip() == DIGEST, found.stderr


if __name__ == "__main__":
    print(digest_of_the_fixed_log())
