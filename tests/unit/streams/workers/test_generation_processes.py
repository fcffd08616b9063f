"""`echotune run` runs the recommenders of every generation that the journal starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import Settings
from streams.workers import supervisor as supervising
from streams.workers.generation_processes import GenerationProcesses, wanted_recommenders
from streams.workers.supervisor import Supervisor
from tests.support.lifecycle_records import QUIET, STARTED, STOPPED, Book, created, moved, serves
from tests.support.station import wait_until

FIRST, SECOND = "recommender-first-0of1", "recommender-second-0of1"


@pytest.fixture
def book() -> Book:
    """`first` serves by record 2; `second` is started."""
    first = [created("first"), moved("first", STARTED), serves("first", -1)]
    return Book(*first, created("second"), moved("second", STARTED))


def wanted(book: Book, at_most: int = 3) -> list[str]:
    return [*wanted_recommenders(book.lifecycle, "first", at_most).processes]


def test_every_generation_that_is_started_or_quiet_runs(book: Book) -> None:
    assert wanted(book) == [FIRST, SECOND]
    book.append(moved("second", QUIET))
    assert wanted(book) == [FIRST, SECOND]
    book.append(moved("second", STOPPED))
    assert wanted(book) == [FIRST]


def test_each_shard_is_a_process_that_knows_its_place(book: Book) -> None:
    book.append(moved("second", STARTED, shards=2))
    found = wanted_recommenders(book.lifecycle, "first", 3).processes
    assert found["recommender-second-1of2"] == [
        *("worker", "recommender", "--generation", "second", "--shards", "2", "--shard", "1")
    ]


def test_the_generations_that_serve_come_first_and_those_beyond_the_limit_are_named(
    book: Book,
) -> None:
    book.append(created("third"))
    book.append(moved("third", STARTED))
    book.append(serves("third", 2))
    found = wanted_recommenders(book.lifecycle, "first", 2)
    assert [*found.processes] == ["recommender-third-0of1", FIRST]
    assert found.left_out == ["second"]


# -- with processes --------------------------------------------------------------------------------


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A supervisor whose processes only sleep; they are named and ended as others are."""
    real = supervising._spawned
    sleeping = ["/bin/sh", "-c", 'echo "$ECHOTUNE_MODEL $ECHOTUNE_WHO"; sleep 1000']
    monkeypatch.setattr(supervising, "_spawned", lambda _, *more: real(sleeping, *more))
    with Supervisor(tmp_path, print) as supervisor:
        yield supervisor


def settled(supervisor: Supervisor) -> list[str]:
    supervisor.restart_ended()
    return sorted(supervisor.names)


def test_what_is_started_runs_and_what_is_stopped_ends(supervisor: Supervisor, book: Book) -> None:
    processes = GenerationProcesses(supervisor, Settings(), print)
    processes.follow(book.lifecycle)
    processes.follow(book.lifecycle)
    assert settled(supervisor) == [FIRST, SECOND]
    book.append(moved("second", STOPPED))
    processes.follow(book.lifecycle)
    assert wait_until(lambda: settled(supervisor), lambda found: SECOND not in found) == [FIRST]
    assert supervisor.exit_code(FIRST) is None
    book.append(moved("second", STARTED))
    processes.follow(book.lifecycle)
    assert settled(supervisor) == [FIRST, SECOND]


def test_variables_that_a_record_decides_do_not_reach_the_workers(
    supervisor: Supervisor, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOTUNE_MODEL", "best")
    monkeypatch.setenv("ECHOTUNE_WHO", "ann")
    GenerationProcesses(supervisor, Settings(), print).follow(book.lifecycle)
    assert wait_until(lambda: supervisor.last_lines(FIRST), bool) == ["ann"]


def test_a_generation_beyond_the_limit_is_named_once(supervisor: Supervisor, book: Book) -> None:
    said: list[str] = []
    settings = Settings(run_generations_max=1)
    processes = GenerationProcesses(supervisor, settings, said.append)
    for _ in range(2):
        processes.follow(book.lifecycle)
    assert settled(supervisor) == [FIRST]
    assert said == ["second is started and does not run: ECHOTUNE_RUN_GENERATIONS_MAX is 1"]
