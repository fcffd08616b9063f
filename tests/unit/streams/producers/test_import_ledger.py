import subprocess
import sys
from pathlib import Path
from uuid import uuid5

import pytest

from streams.producers.import_ledger import HEADER, KEY_BYTES, ImportLedger
from topics.errors import HistoryError
from topics.identity import ECHOTUNE_NAMESPACE


def ids(*numbers: int) -> list[str]:
    return [str(uuid5(ECHOTUNE_NAMESPACE, str(number))) for number in numbers]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "imports" / "acknowledged"


def test_what_was_recorded_is_seen_also_by_the_next_import(path: Path) -> None:
    with ImportLedger(path) as ledger:
        assert ledger.unseen(ids(1, 2)) == [True, True]
        ledger.record(ids(1))
        assert ledger.unseen(ids(1, 2)) == [False, True]
    with ImportLedger(path) as ledger:
        assert ledger.unseen(ids(2, 1)) == [True, False]


def test_many_small_batches_are_all_remembered(path: Path) -> None:
    with ImportLedger(path) as ledger:
        for first in range(0, 1_000, 7):
            ledger.record(ids(*range(first, first + 7)))
        assert not any(ledger.unseen(ids(*range(1_000))))
        assert all(ledger.unseen(ids(*range(2_000, 3_000))))
        assert len(ledger) == 1_001


def test_the_second_of_two_equal_ids_in_a_batch_is_not_new(path: Path) -> None:
    with ImportLedger(path) as ledger:
        assert ledger.unseen(ids(1, 2, 1)) == [True, True, False]


def test_ids_that_are_no_uuids_are_remembered_too(path: Path) -> None:
    with ImportLedger(path) as ledger:
        ledger.record(["play of a player", "00000000-0000-0000-0000-000000000000"])
        assert ledger.unseen(["play of a player", "another"]) == [False, True]
        assert ledger.unseen(["00000000-0000-0000-0000-000000000000"]) == [False]


def test_nothing_is_asked_and_nothing_recorded_for_no_ids(path: Path) -> None:
    with ImportLedger(path) as ledger:
        ledger.record([])
        assert ledger.unseen([]) == []


@pytest.mark.parametrize("torn", range(1, KEY_BYTES))
def test_a_key_that_was_cut_short_is_cut_off(path: Path, torn: int) -> None:
    with ImportLedger(path) as ledger:
        ledger.record(ids(1, 2))
    path.write_bytes(path.read_bytes()[:-torn])
    with ImportLedger(path) as ledger:
        assert ledger.unseen(ids(1, 2)) == [False, True]
        ledger.record(ids(2, 3))
    with ImportLedger(path) as ledger:
        assert not any(ledger.unseen(ids(1, 2, 3)))


@pytest.mark.parametrize("bytes_written", range(len(HEADER)))
def test_a_header_that_was_cut_short_is_written_again(path: Path, bytes_written: int) -> None:
    path.parent.mkdir()
    path.write_bytes(HEADER[:bytes_written])
    with ImportLedger(path) as ledger:
        ledger.record(ids(1))
    with ImportLedger(path) as ledger:
        assert ledger.unseen(ids(1)) == [False]


def test_a_file_that_is_no_ledger_is_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something quite different")
    with pytest.raises(HistoryError, match="is not a ledger"):
        ImportLedger(path)
    assert path.read_bytes() == b"something quite different"


def test_only_one_import_runs_at_a_time(path: Path) -> None:
    with ImportLedger(path), pytest.raises(HistoryError, match="Another import is running"):
        ImportLedger(path)
    ImportLedger(path).close()


def test_a_killed_import_leaves_no_lock_and_all_it_recorded(path: Path) -> None:
    killed = (
        "import os, signal, sys; from pathlib import Path\n"
        "from streams.producers.import_ledger import ImportLedger\n"
        "ledger = ImportLedger(Path(sys.argv[1])); ledger.record(sys.argv[2:])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(path), *ids(1)], check=False)
    assert done.returncode == -9
    with ImportLedger(path) as ledger:
        assert ledger.unseen(ids(1, 2)) == [False, True]


def test_a_full_disk_is_an_error_and_leaves_whole_keys(path: Path) -> None:
    import resource

    with ImportLedger(path) as ledger:
        ledger.record(ids(1))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(HEADER) + 3 * KEY_BYTES - 5, limits[1]))
        try:
            with pytest.raises(HistoryError, match="cannot be written: File too large"):
                ledger.record(ids(2, 3))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.stat().st_size == len(HEADER) + KEY_BYTES
        assert ledger.unseen(ids(2)) == [True]
        ledger.record(ids(2))
    with ImportLedger(path) as ledger:
        assert ledger.unseen(ids(1, 2, 3)) == [False, False, True]
