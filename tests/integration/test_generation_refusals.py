"""Whoever is not heard, is not known, or cannot be, changes nothing, and the reason is in words."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from infra.memory import Memory
from streams.kafka.client_settings import client_settings
from streams.lifecycle import overview
from streams.lifecycle.journal import read_lifecycle
from streams.monitoring.worker_status import recommender_key
from tests.conftest import KAFKA_LIBS
from tests.support.generations_station import WHY, GenerationsStation
from tests.support.lists_seen import redis_of
from tests.support.station import Station, wait_until
from topics.catalogue import MODEL_LIFECYCLE

pytestmark = pytest.mark.timeout(600)
EVENTS = 300
EXIT_NO, EXIT_ERROR = 1, 3
NEWER_RECORD = b"\0" + (1_000_000_999).to_bytes(4) + b"a contract that is not known yet"
TOO_LARGE = json.dumps({"model": "best", "grams": 1 << 26})
SECOND_ID = "echotune-recommender-second-0of1"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenerationsStation]:
    """`first` serves, and `second` has caught up beside it."""
    folder = tmp_path_factory.mktemp("refusals")
    with closing(GenerationsStation(folder / "home", KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.recommend("first", ECHOTUNE_MODEL="popularity")
        station.feed(EVENTS)
        station.wait_applied(EVENTS)
        create = ("generations", "create", "second", "--model", "popularity", "--start", "--force")
        station.done(*create, *WHY)
        station.recommend("second")
        assert station.json("generations", "wait", "second")["caught_up"]
        yield station


def members(station: Station) -> int:
    """How many recommenders of `second` are in their group."""
    admin = AdminClient(client_settings(station.addresses.kafka))
    found = admin.describe_consumer_groups([SECOND_ID])[SECOND_ID].result(30.0)
    return len(found.members)


def test_a_generation_is_asked_again_until_it_is_heard_once_more(
    pair: GenerationsStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look finds a frozen recommender, whose status is four seconds old."""
    worker, looks = pair.recommenders["second"], list[dict[str, Any]]()

    async def look(*asked: Any) -> list[dict[str, Any]]:
        if not looks:
            worker.freeze()
            with redis_of(pair) as redis:
                redis.pexpire(recommender_key(SECOND_ID), 6_000)
        found = await real(*asked)
        looks.extend(found)
        worker.thaw()
        return found

    real = overview.shard_statuses
    monkeypatch.setattr(overview, "shard_statuses", look)
    found = pair.json("generations", "gate", "second")
    assert looks[0]["heard_ms"] > 3_000
    assert [each["ok"] for each in found["conditions"] if each["name"] == "alive"] == [True]
    assert looks[-1]["heard_ms"] < 3_000


def test_a_generation_whose_recommender_was_killed_a_moment_ago_serves_nobody(
    pair: GenerationsStation,
) -> None:
    pair.recommenders["second"].kill()
    for command in (["promote", "second", "--force"], ["canary", "second", "10%"]):
        refused = pair.run("generations", *command, *WHY)
        assert refused.returncode == EXIT_NO
        assert "alive: not heard: shard 0" in refused.stderr
    gate = pair.run("generations", "gate", "second")
    assert (gate.returncode, "NO  alive" in gate.stdout) == (EXIT_NO, True)
    plan = read_lifecycle(pair.addresses.kafka).plan
    assert (plan.stable, plan.canary, pair.pointer()) == ("first", None, ("first", None))


def test_during_a_rebalance_nobody_is_promoted_and_after_it_everything_moves(
    pair: GenerationsStation,
) -> None:
    """The standby is frozen, so that the group has no owner of the log until it is thawed."""
    owner = pair.recommend("second")
    assert pair.json("generations", "wait", "second")["caught_up"]
    standby = pair.start("recommender", ECHOTUNE_GENERATION="second")
    wait_until(lambda: members(pair), lambda found: found == 2)
    standby.freeze()
    owner.kill()
    refused = pair.run("generations", "promote", "second", *WHY)
    assert refused.returncode == EXIT_NO
    assert "alive: not heard: shard 0" in refused.stderr
    assert pair.in_topic()[0] == {"first"}
    standby.thaw()
    pair.recommenders["second"] = standby
    assert pair.json("generations", "wait", "second")["caught_up"]
    pair.done("generations", "promote", "second", *WHY)
    pair.wait_served_by("second")
    pair.done("generations", "rollback", *WHY)
    pair.wait_served_by("first")


def test_a_rollback_waits_for_nothing_and_names_whoever_is_not_heard(
    pair: GenerationsStation,
) -> None:
    pair.done("generations", "promote", "second", *WHY)
    pair.wait_served_by("second")
    pair.recommenders["first"].kill()
    wait_until(lambda: heard(pair), lambda found: found == {"first": 0, "second": 1})
    said = pair.done("generations", "rollback", *WHY)
    assert "warning: alive: not heard: shard 0, so that lists of first get no newer" in said
    assert pair.pointer() == ("first", None)
    pair.recommend("first")
    pair.wait_served_by("first")


def heard(station: Station) -> dict[str, int]:
    """How many recommenders of each generation have a status."""
    found = json.loads(station.run("generations", "list", "--json").stdout)
    return {each["name"]: each["heard"] for each in found}


@pytest.mark.parametrize(
    "command",
    [
        ["show", "nobody"],
        ["start", "nobody", *WHY],
        ["stop", "nobody", *WHY],
        ["scale", "nobody", "--shards", "2", *WHY],
        ["wait", "nobody"],
        ["compare", "nobody", "first"],
        ["compare", "first", "nobody"],
        ["gate", "nobody"],
        ["canary", "nobody", "5%", *WHY],
        ["promote", "nobody", *WHY],
        ["promote", "nobody", "--auto", *WHY],
        ["retire", "nobody", *WHY],
        ["manifest", "nobody", "--image", "echotune:1"],
        ["create", "other", "--like", "nobody", *WHY],
    ],
)
def test_a_generation_that_is_not_there_is_named_with_what_to_do(
    pair: GenerationsStation, command: list[str]
) -> None:
    done = pair.run("generations", *command)
    assert done.returncode == EXIT_ERROR
    assert "here is no generation nobody" in done.stderr
    assert (
        "`echotune generations list`" in done.stderr or "echotune generations create" in done.stderr
    )
    assert [*pair.lifecycle.generations] == ["first", "second"]


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("oracle", "There is no model 'oracle'"),
        ('{"model": ', "is no JSON object"),
        ('{"model": ["best"]}', "There is no model ['best']"),
        ('{"model": "best", "lakes": 3}', "'lakes'"),
        ('{"model": "best", "grams": 3}', "Give a power of two"),
        ("nowhere.toml", "nowhere.toml cannot be read"),
        ("river:Oracle", "Oracle"),
    ],
)
def test_a_configuration_that_is_none_is_refused_and_nothing_is_created(
    pair: GenerationsStation, model: str, why: str
) -> None:
    for command in (["generations", "create", "third", *WHY], ["replay", "--generation", "third"]):
        done = pair.run(*command, "--model", model)
        assert done.returncode == EXIT_ERROR
        assert why in done.stderr
    assert [*pair.lifecycle.generations] == ["first", "second"]


def test_a_model_that_needs_more_memory_than_there_is_is_said_in_words(
    pair: GenerationsStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables take 12 GiB; the processes of the second part may have 6."""
    monkeypatch.setattr("infra.memory.memory_here", lambda: Memory(64 * 2**30, 10 * 2**30))
    large = ("--model", TOO_LARGE)
    for command in (
        ["generations", "create", "large", "--start", *WHY],
        ["replay", "--generation", "large"],
    ):
        refused = pair.run(*command, *large)
        assert refused.returncode == EXIT_NO
        assert (
            "tables of its model alone take 12,296 MiB, and 10,240 MiB are free" in refused.stderr
        )
        assert "--force" in refused.stderr
    assert [*pair.lifecycle.generations] == ["first", "second"]

    refused = pair.run_within(6, "generations", "create", "large", *large, *WHY)
    check_too_large(refused)
    assert [*pair.lifecycle.generations] == ["first", "second"]
    pair.done("generations", "create", "large", *large, *WHY)
    pair.done("generations", "start", "large", "--force", *WHY)
    check_too_large(pair.run_within(6, "worker", "recommender", "--generation", "large"))
    check_too_large(pair.run_within(6, "generations", "compare", "large", "first"))
    pair.done("generations", "stop", "large", *WHY)


def check_too_large(ended: "subprocess.CompletedProcess[str]") -> None:
    assert ended.returncode == EXIT_ERROR, ended.stderr
    assert "needs more memory than there is" in ended.stderr
    assert "grams" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_journal_with_a_record_of_a_newer_version_is_read_by_no_command_and_stops_no_worker(
    pair: GenerationsStation,
) -> None:
    """The last test: nothing reads this journal any more."""
    producer = Producer({"bootstrap.servers": pair.addresses.kafka})
    producer.produce(MODEL_LIFECYCLE.name, NEWER_RECORD, key=b"k")
    assert producer.flush(30.0) == 0
    for command in (
        ["generations", "list"],
        ["generations", "history"],
        ["generations", "create", "later", *WHY],
        ["generations", "start", "second", *WHY],
        ["generations", "promote", "second", *WHY],
        ["generations", "rollback", *WHY],
        ["generations", "retire", "second", *WHY],
        ["replay"],
    ):
        done = pair.run(*command)
        assert done.returncode == EXIT_ERROR, command
        assert "Upgrade" in done.stderr
        assert "model-lifecycle" in done.stderr
    wait_until(pair.recommenders["first"].text, lambda text: "the journal cannot be read" in text)
    pair.feed(EVENTS)
    pair.wait_applied(2 * EVENTS)  # whoever served goes on to serve
