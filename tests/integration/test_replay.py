"""A replay learns the log, or a part of it, in a quiet generation beside the live one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from confluent_kafka import Producer

from streams.folding.fold_state import Count
from streams.generation.fold_factory import new_fold
from streams.kafka.log_reader import LogReader
from streams.lifecycle.generation_record import settings_from
from streams.lifecycle.journal import read_lifecycle
from streams.lifecycle.lifecycle import Role
from streams.settings import Settings
from streams.verifying.digest_check import replay as folded_again
from tests.conftest import KAFKA_LIBS
from tests.support.learning_log import a_history, batches
from tests.support.lists_seen import redis_of
from tests.support.station import REPOSITORY, Station, StationHere, Worker, wait_until
from topics.catalogue import LEARNING_LOG
from topics.learning_batch import LearningBatch
from topics.learning_log import encode_log_record

RECORDS, EVENTS_A_RECORD, MORE = 200, 5, 20
ALL = batches(a_history((RECORDS + MORE) * EVENTS_A_RECORD), EVENTS_A_RECORD)
EXIT_ERROR, EXIT_INTERRUPTED = 3, 130
WHY = ("--why", "a test")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station with a log of 200 small records, which `first` has learnt."""
    station = StationHere(tmp_path_factory.mktemp("replay") / "home", KAFKA_LIBS)
    station.up()
    append(station, ALL[:RECORDS])
    station.start("recommender")
    caught_up(station, "first")
    yield station
    station.close()


def append(station: Station, records: list[LearningBatch]) -> None:
    producer = Producer({"bootstrap.servers": station.addresses.kafka})
    for each in records:
        producer.produce(LEARNING_LOG.name, encode_log_record(each), partition=0)
        producer.flush()  # a record a batch, as sequencers write them


def log_end(station: Station) -> int:
    with LogReader(station.addresses.kafka) as log:
        return log.bounds().end


def caught_up(station: Station, name: str) -> dict[str, Any]:
    end = log_end(station)
    return wait_until(lambda: status_of(station, name), lambda it: it.get("as_of") == end - 1)


def status_of(station: Station, name: str) -> dict[str, Any]:
    with redis_of(station) as redis:
        found = redis.get(f"echotune:status:recommender:echotune-recommender-{name}-0of1")
    return json.loads(found) if found else {}


def worker_of(station: Station, name: str) -> Worker:
    wait_until(
        lambda: read_lifecycle(station.addresses.kafka).role_of(name), lambda it: it is Role.QUIET
    )
    return station.start("recommender", ECHOTUNE_GENERATION=name)


def result_of(process: Any) -> dict[str, Any]:
    out, _ = process.communicate(timeout=90)
    assert process.returncode == 0
    return dict(json.loads(out))


def expected(station: Station, name: str, last: int) -> Any:
    """The state that a fold of the log has, with the settings of the journal."""
    lifecycle = read_lifecycle(station.addresses.kafka)
    given = Settings(home=station.home, generation=name)
    fold = new_fold(settings_from(lifecycle, given, prefers="record"))
    assert [*folded_again(fold, station.addresses.kafka, last)]
    return fold


def test_a_replay_learns_from_an_offset_on_and_publishes_nothing(live: Station) -> None:
    first, last = 120, log_end(live) - 1
    begun = live.begin("replay", "--generation", "later", "--from", str(first), "--json")
    worker_of(live, "later")
    found = result_of(begun)
    assert (found["generation"], found["as_of"], found["target"]) == ("later", last, last)
    assert found["events"] == RECORDS * EVENTS_A_RECORD
    fold = expected(live, "later", last)
    assert fold.counts[Count.SKIMMED] == first * EVENTS_A_RECORD - missing(live)
    assert fold.applied + fold.counts[Count.DUPLICATE] == (
        RECORDS - first
    ) * EVENTS_A_RECORD + missing(live)
    status = wait_until(partial(status_of, live, "later"), lambda it: it["digest_offset"] == last)
    assert status["digest"] == fold.digest()
    assert live.json("verify", ECHOTUNE_GENERATION="later")["equal"]
    with redis_of(live) as redis:
        assert redis.keys("recs:first:*")
        assert redis.keys("recs:later:*") == []


def missing(station: Station) -> int:
    """Events by which the log's own first records shift ours."""
    return (log_end(station) - RECORDS) * EVENTS_A_RECORD


def test_a_replay_that_ends_at_an_offset_stays_there_and_never_serves(live: Station) -> None:
    until = 150
    begun = live.begin("replay", "--generation", "then", "--to", str(until), "--json")
    worker = worker_of(live, "then")
    assert result_of(begun)["as_of"] == until
    append(live, ALL[RECORDS:])
    caught_up(live, "first")
    assert worker.stop() == 0
    again = worker_of(live, "then")
    ready = wait_until(again.text, lambda text: "state ready" in text)
    [line] = [each for each in ready.splitlines() if "state ready" in each]
    assert f'"offset": {until}' in line
    status = wait_until(
        partial(status_of, live, "then"), lambda it: it.get("digest_offset") == until
    )
    assert status["as_of"] == until
    assert status["digest"] == expected(live, "then", until).digest()
    assert live.json("verify", ECHOTUNE_GENERATION="then")["equal"]
    assert live.run("generations", "start", "then", *WHY).returncode == 0
    for command in (["promote", "then"], ["canary", "then", "5%"]):
        refused = live.run("generations", *command, *WHY)
        assert refused.returncode != 0
    assert read_lifecycle(live.addresses.kafka).plan.stable == "first"


def test_generations_that_learn_different_parts_are_compared_where_both_have_learnt(
    live: Station,
) -> None:
    later = caught_up(live, "later")["quality"]
    found = live.json("generations", "compare", "later", "first")
    assert (found["from_offset"], found["upto_offset"]) == (120, log_end(live) - 1)
    assert found["paired"] == later["scored"] > 0
    assert found["a_mean"] == later["hr@20"]
    then = live.json("generations", "compare", "first", "then")
    assert then["upto_offset"] == 150
    assert then["paired"] == expected(live, "then", 150).quality.summary()["scored"]
    assert then["difference"] == 0, "equal models, as of the same offset"


def test_a_household_is_told_that_it_is_too_small_for_a_verdict_and_promotes_all_the_same(
    live: Station,
) -> None:
    """Its seven listeners are shown what docs/operating.md shows to one."""
    create = ("generations", "create", "larger", "--model", "best", "--start", "--force", *WHY)
    assert live.run(*create).returncode == 0
    worker = live.start("recommender", ECHOTUNE_GENERATION="larger")
    assert live.json("generations", "wait", "larger")["caught_up"]
    compared = live.run("generations", "compare", "larger", "first")
    page = (REPOSITORY / "docs" / "operating.md").read_text()
    verdict = "Too few listeners to say which of larger and first is better"
    assert verdict in compared.stdout
    assert verdict.replace("larger", "second") in page
    gated = live.run("generations", "promote", "larger", "--gated", *WHY)
    assert (gated.returncode, "not worse: too few listeners" in gated.stderr) == (1, True)
    promoted = live.run("generations", "promote", "larger", *WHY)
    assert promoted.returncode == 0
    assert "warning: not worse: too few listeners" in promoted.stderr
    assert "larger serves all listeners; the pointer is set" in promoted.stderr
    assert "serves all listeners; the pointer is set" in page
    assert live.run("generations", "rollback", *WHY).returncode == 0
    assert live.run("generations", "stop", "larger", *WHY).returncode == 0
    assert worker.process.wait(90.0) == 0


def test_a_generation_that_makes_other_lists_alone_begins_with_the_snapshot_of_the_first(
    live: Station,
) -> None:
    snapshots = live.home / "snapshots" / "echotune-recommender-first-0of1"
    wait_until(lambda: list(snapshots.glob("*.snapshot")), bool)
    create = ("generations", "create", "shorter", "--list-length", "5", "--start", "--force", *WHY)
    assert live.run(*create).returncode == 0
    worker = live.start("recommender", ECHOTUNE_GENERATION="shorter")
    ready = wait_until(worker.text, lambda text: "state ready" in text)
    assert "snapshot adopted" in ready
    [line] = [each for each in ready.splitlines() if "state ready" in each]
    assert '"offset": -1' not in line
    assert live.json("generations", "wait", "shorter")["caught_up"]
    status = wait_until(
        partial(status_of, live, "shorter"), lambda it: it["digest_offset"] == log_end(live) - 1
    )
    assert status["digest"] == expected(live, "first", log_end(live) - 1).digest()
    assert live.json("verify", "--deep", ECHOTUNE_GENERATION="shorter")["kept"]
    worker.stop()


def test_a_limit_slows_a_replay_and_can_be_changed_while_it_runs(live: Station) -> None:
    begun = live.begin("replay", "--generation", "slow", "--from", "1", "--rate", "1", "--json")
    worker_of(live, "slow")
    status = wait_until(
        partial(status_of, live, "slow"), lambda it: it.get("pace", {}).get("throttled", False)
    )
    assert status["as_of"] < log_end(live) - 1
    assert status["pace"]["events_per_s_max"] == 1
    assert live.json("replay", "--generation", "slow", "--rate", "0")["events"] > 0
    assert result_of(begun)["as_of"] == log_end(live) - 1


def test_whoever_stops_watching_leaves_the_replay_running(live: Station) -> None:
    begun = live.begin("replay", "--generation", "watched", "--model", "popularity")
    wait_until(
        lambda: read_lifecycle(live.addresses.kafka).role_of("watched"), lambda it: it is Role.QUIET
    )
    begun.send_signal(signal.SIGINT)
    begun.communicate(timeout=60)
    assert begun.returncode == EXIT_INTERRUPTED
    worker_of(live, "watched")
    assert live.json("replay", "--generation", "watched")["as_of"] == log_end(live) - 1


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("same", [], "learns as first does, so that it begins with the newest snapshot of it"),
        ("shorter-log", ["--from", "7"], "is like first, but for learn_from"),
        (
            "of-later",
            ["--like", "later", "--model", "popularity"],
            "is like later, but for model\n",
        ),
    ],
)
def test_a_replay_says_and_records_which_generation_it_is_like(
    live: Station, name: str, options: list[str], says: str
) -> None:
    command = [sys.executable, "-m", "streams.cli", "replay", "--generation", name, *options]
    environment = os.environ | {"ECHOTUNE_HOME": str(live.home)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as begun:
        worker = worker_of(live, name)
        _, said = begun.communicate(timeout=90)
    assert begun.returncode == 0
    assert says in said
    like = "later" if name == "of-later" else "first"
    assert read_lifecycle(live.addresses.kafka).generations[name].created.like == like
    assert ("snapshot adopted" in worker.text()) is (name == "same")
    assert worker.stop() == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--generation", "first", "--from", "5"], "its settings never change"),
        (["--from", "100000"], "outside of the log"),
        (["--from", "2099-01-01"], "later than the last record"),
        (["--to", "2099-01-01"], "is in the future"),
        (["--from", "50", "--to", "40"], "Name a later --to"),
        (["--from", "noon"], "is no time"),
        (["--like", "nobody"], "There is no generation nobody"),
        (["--model", "oracle"], "oracle"),
        (["--generation", "a-0of1"], "ends like a shard"),
    ],
)
def test_what_cannot_be_replayed_is_said_and_nothing_is_created(
    live: Station, options: list[str], why: str
) -> None:
    before = [*read_lifecycle(live.addresses.kafka).generations]
    done = live.run("replay", *options)
    assert done.returncode == EXIT_ERROR
    assert why in done.stderr
    assert [*read_lifecycle(live.addresses.kafka).generations] == before


def test_a_replay_that_is_stopped_says_so(live: Station) -> None:
    assert live.run("generations", "create", "idle", *WHY).returncode == 0
    with subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "replay", "--generation", "idle"],
        env=os.environ | {"ECHOTUNE_HOME": str(live.home)},
        stderr=subprocess.PIPE,
        text=True,
    ) as begun:
        wait_until(
            lambda: read_lifecycle(live.addresses.kafka).role_of("idle"),
            lambda it: it is Role.QUIET,
        )
        assert live.run("generations", "stop", "idle", *WHY).returncode == 0
        _, said = begun.communicate(timeout=60)
    assert begun.returncode == EXIT_ERROR
    assert "idle was stopped" in said
    assert "echotune replay --generation idle" in said
