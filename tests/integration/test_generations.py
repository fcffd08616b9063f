"""Two generations on one log: only the stable one holds the topic, and the plan decides which."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from infra.memory import Memory
from streams.cli.generations import plan_change
from streams.heartbeats.heartbeat_reader import HeartbeatReader
from streams.heartbeats.heartbeat_writer import HeartbeatWriter
from streams.kafka.client_settings import client_settings
from streams.kafka.partition_reader import PartitionReader
from streams.lifecycle.journal import Journal, operation, read_lifecycle
from streams.lifecycle.known_generations import KnownGenerations
from streams.lists.serving_plan import bucket
from streams.recommender_identity import RecommenderIdentity
from tests.conftest import KAFKA_LIBS
from tests.support.events import START_MS, a_stream, an_event, now_ms
from tests.support.lists_seen import redis_of
from tests.support.station import Station, StationHere, wait_until
from topics.catalogue import RECOMMENDATIONS
from topics.codecs import Decoder
from topics.errors import ServerError
from topics.learning_progress import LearningProgress
from topics.lifecycle import ServingCause, ServingChanged

EVENTS = 600
WHY = ("--why", "a test")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station on which `first` serves, and `second` is started beside it."""
    station = StationHere(tmp_path_factory.mktemp("generations") / "home", KAFKA_LIBS)
    station.up()
    station.start("sequencer")
    station.start("recommender")
    station.produce(a_stream(EVENTS))
    station.wait_applied(EVENTS)
    done = station.run("generations", "create", "second", "--model", "popularity", "--start", *WHY)
    assert done.returncode == 0, done.stderr
    station.start("recommender", ECHOTUNE_GENERATION="second")
    waited = station.json("generations", "wait", "second", "--lag", "1s")
    assert (waited["caught_up"], waited["waits_for"]) == (True, [])
    yield station
    station.close()


def listed(station: Station) -> dict[str, dict[str, Any]]:
    found = json.loads(station.run("generations", "list", "--json").stdout)
    return {each["name"]: each for each in found}


def generations_in_topic(station: Station) -> set[str]:
    """Whose lists the newest record of each key is."""
    decoder, newest = Decoder(RECOMMENDATIONS.contracts), dict[bytes, str]()
    with PartitionReader(station.addresses.kafka, "test", RECOMMENDATIONS.name) as reader:
        for partition in reader.partitions():
            for message in reader.read(partition, *reader.bounds(partition)):
                newest[message.key()] = decoder.decode(message.value())[1]["generation"]
    return {*newest.values()}


def pointer(station: Station) -> dict[str, str]:
    with redis_of(station) as redis:
        found = redis.hgetall("recs:active")
    return {key.decode(): value.decode() for key, value in found.items() if key != b"record"}


def kept(station: Station, generation: str) -> Any:
    found = station.json("verify", "--deep", ECHOTUNE_GENERATION=generation)
    unkept = [each for each in found["promises"] if each["broken"] or each["uncompared"]]
    return unkept or found["kept"]


def settle(station: Station) -> None:
    """Waits until every promise of both generations is kept."""
    for name in ("first", "second"):
        wait_until(lambda name=name: kept(station, name), lambda found: found is True)


def test_beside_the_stable_generation_another_one_fills_redis_and_leaves_the_topic_alone(
    pair: Station,
) -> None:
    assert generations_in_topic(pair) == {"first"}
    with redis_of(pair) as redis:
        assert len(redis.keys("recs:second:*")) == len(redis.keys("recs:first:*"))
    assert pointer(pair) == {"stable": "first", "version": "2"}
    settle(pair)


def test_what_is_not_compared_is_promoted_with_a_warning_unless_every_condition_is_asked(
    pair: Station,
) -> None:
    compare = "not worse: not compared with first: `echotune generations compare second first`"
    strict: list[tuple[list[str], dict[str, str]]] = [
        (["--gated"], {}),
        ([], {"ECHOTUNE_GATED": "1"}),
    ]
    for options, variables in strict:
        refused = pair.run("generations", "promote", "second", *options, *WHY, **variables)
        assert refused.returncode == 1
        assert compare in refused.stderr
    would = pair.run("generations", "promote", "second", "--dry-run", *WHY)
    assert would.returncode == 0
    assert f"warning: {compare}" in would.stderr
    assert "second would serve all listeners" in would.stderr
    both = pair.run("generations", "promote", "second", "--gated", "--force", *WHY)
    assert (both.returncode, "contradict" in both.stderr) == (3, True)


def test_a_comparison_pairs_the_same_plays_and_counts_what_the_live_models_counted(
    pair: Station,
) -> None:
    found = pair.json("generations", "compare", "second", "first")
    live = listed(pair)
    assert found["paired"] == live["first"]["quality"]["scored"] > 300
    assert found["b_mean"] == live["first"]["quality"]["hr@20"]
    assert found["a_mean"] == live["second"]["quality"]["hr@20"]
    assert found["difference"] == pytest.approx(found["a_mean"] - found["b_mean"])
    assert found["interval"]["low"] < found["difference"] < found["interval"]["high"]
    assert sum(each["paired"] for each in found["splits"].values()) == found["paired"]
    assert 0 < found["coverage"]["a"] < found["coverage"]["b"] <= 1
    assert found["freshness_ms"].keys() == {"a", "b"}
    assert found["recorded"] is True
    assert found["verdict"] == "worse"  # popularity, than a model of what each listener plays


def test_who_may_not_write_to_the_journal_compares_all_the_same(
    pair: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> int:
        raise ServerError("Topic authorization failed.", "Grant WRITE.")

    monkeypatch.setattr("streams.lifecycle.journal.append", refused)
    done = pair.run("generations", "compare", "second", "first", "--json")
    assert (done.returncode, json.loads(done.stdout)["recorded"]) == (0, False)
    assert "the comparison was not recorded: Topic authorization failed." in done.stderr


def test_a_generation_that_is_known_to_be_worse_is_promoted_by_force_alone(pair: Station) -> None:
    found = pair.json("generations", "gate", "second")
    (shut,) = [each for each in found["conditions"] if each["name"] == "not worse"]
    assert (found["open"], shut["ok"], shut["forceable"]) == (False, False, True)
    refused = pair.run("generations", "promote", "second", *WHY)
    assert refused.returncode == 1
    assert "worse" in refused.stderr
    assert "generations promote second --force --why" in refused.stderr
    would = pair.json("generations", "promote", "second", "--force", "--dry-run", *WHY)
    assert would["evidence"]["comparison"]["verdict"] == "worse"
    assert f"not worse: {shut['says']}" in would["warnings"]
    first = pair.json("generations", "gate", "first", "--gated")
    assert {each["name"] for each in first["conditions"] if not each["ok"]} <= {"fresh"}


def test_a_plan_that_changed_after_the_operator_looked_is_left_as_it_is(
    pair: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_gate(*looked: Any) -> Any:
        """While the first operator looks at the gate, the second one begins a canary."""
        found = real(*looked)
        with Journal(pair.addresses.kafka) as journal:
            canary = ServingChanged(
                expected=journal.read().plan.version,
                stable="first",
                canary="second",
                share=100,
                cause=ServingCause.CANARY,
                **operation("faster", "ann"),
            )
            assert journal.append(lambda _: canary).is_valid
        return found

    real = plan_change.gate
    monkeypatch.setattr(plan_change, "gate", slow_gate)
    late = pair.run("generations", "promote", "second", "--force", *WHY)
    assert late.returncode == 1
    assert "the plan was changed in the meantime. ann was faster (faster)" in late.stderr
    plan = read_lifecycle(pair.addresses.kafka).plan
    assert (plan.stable, plan.canary) == ("first", "second")
    assert pair.run("generations", "rollback", *WHY).returncode == 0


def test_a_generation_is_not_started_where_memory_is_short_unless_it_is_forced(
    pair: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.memory.memory_here", lambda: Memory(8 * 2**30, 100 * 2**20))
    assert listed(pair)["first"]["memory_bytes"] > 100 * 2**20
    for arguments in (("create", "sixth", "--start"), ("start", "second")):
        refused = pair.run("generations", *arguments, *WHY)
        assert refused.returncode == 1
        assert "100 MiB are free" in refused.stderr
    assert "sixth" not in listed(pair)
    assert pair.run("generations", "start", "second", "--force", *WHY).returncode == 0


def test_a_manifest_has_the_shards_of_the_record_and_a_probe_that_works(pair: Station) -> None:
    printed = pair.run("generations", "manifest", "second", "--image", "echotune:1").stdout
    *_, workload = [json.loads(each) for each in printed.split("---\n") if each]
    assert (workload["kind"], workload["spec"]["replicas"]) == ("StatefulSet", 1)
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    command = container["readinessProbe"]["exec"]["command"][1:]
    assert pair.run(*command, ECHOTUNE_GENERATION="second").returncode == 0
    unheard = pair.run(*command, "--json", ECHOTUNE_GENERATION="nobody")
    assert unheard.returncode == 1
    assert json.loads(unheard.stdout)["says"] == "not heard"
    unknown = pair.run("generations", "manifest", "nobody", "--image", "echotune:1")
    assert "There is no generation nobody" in unknown.stderr


def test_a_wait_that_is_over_says_what_is_missing(pair: Station) -> None:
    assert pair.run("generations", "create", "fourth", "--start", *WHY).returncode == 0
    done = pair.run("generations", "wait", "fourth", "--within", "1s", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert not found["caught_up"]
    assert "not heard: shard 0" in found["waits_for"]


def test_a_promotion_moves_the_pointer_and_the_topic_and_a_rollback_moves_both_back(
    pair: Station,
) -> None:
    for command, stable in (("promote", "second"), ("rollback", "first")):
        names = [stable, "--force"] if command == "promote" else []
        would = pair.json("generations", command, *names, "--dry-run", *WHY)
        assert (would["stable"], would["pointer"]) == (stable, "not set: a dry run")
        assert pointer(pair)["stable"] != stable
        done = pair.json("generations", command, *names, *WHY)
        assert (done["stable"], done["pointer"]) == (stable, "set")
        assert pointer(pair)["stable"] == stable
        wait_until(lambda: generations_in_topic(pair), lambda found, it=stable: found == {it})
        pair.produce(a_stream(50))  # duplicates: nothing is learnt twice
        settle(pair)


def test_a_pointer_that_redis_lost_is_that_of_the_plan_again(pair: Station) -> None:
    before = pointer(pair)
    with redis_of(pair) as redis:
        redis.flushall()
    assert wait_until(lambda: pointer(pair), bool) == before
    assert pair.json("generations", "wait", "second")["caught_up"]  # it is heard again


def test_a_canary_serves_its_share_and_ends(pair: Station) -> None:
    done = pair.json("generations", "canary", "second", "12.5%", *WHY)
    assert (done["stable"], done["canary"], done["share"]) == ("first", "second", 1_250)
    assert pointer(pair)["share"] == "1250"
    assert generations_in_topic(pair) == {"first"}
    ended = pair.json("generations", "rollback", *WHY)
    assert (ended["stable"], ended["canary"]) == ("first", None)


def test_what_the_listeners_of_a_canary_did_is_compared_with_what_the_others_did(
    pair: Station,
) -> None:
    """Each listener plays the track that follows in `a_stream`, now, and one of them an old one."""
    before = pair.json("generations", "canary", "second", "40%", *WHY)
    assert before["canary"] == "second"
    names = [f"listener-{at}" for at in range(50)]
    is_canary = [bucket("second", each) < 4_000 for each in names]
    old = an_event(listener_id="listener-1", track_id="track-7", listened_at=START_MS - 1)
    now = [an_event(listener_id=each, track_id="track-1", listened_at=now_ms()) for each in names]
    pair.produce([old, *now])
    pair.wait_applied(EVENTS + 51)
    assert pair.json("generations", "rollback", *WHY)["canary"] is None
    pair.produce([an_event(listener_id="listener-2", track_id="track-9", listened_at=now_ms())])
    pair.wait_applied(EVENTS + 52)
    found = pair.json("generations", "compare", "second", "first", "--by-served")
    assert found["verdict"] == "worse"  # on identical events, as without --by-served
    served = found["by_served"]
    of = served["listeners_of"]
    assert {each: of[each]["listeners"] for each in of} == {
        "second": sum(is_canary),
        "first": 50 - sum(is_canary),
    }
    assert [each["plays"] for each in of.values()] == [each["listeners"] for each in of.values()]
    assert served["left_out"] == EVENTS + 2
    assert served["a_mean"] == of["second"]["on_list_of"]["second"]
    assert served["b_mean"] == of["first"]["on_list_of"]["first"]
    assert served["difference"] == pytest.approx(served["a_mean"] - served["b_mean"])
    assert served["interval"]["low"] < served["difference"] < served["interval"]["high"]
    shares = [(each["canary"], each["share"]) for each in served["periods"]]
    assert shares[-1] == ("second", 4_000)
    assert not any(each["a"]["plays"] for each in served["periods"][:-1])  # those of former tests
    said = pair.run("generations", "compare", "second", "first", "--by-served").stdout
    assert "Identical events favour the generation whose lists were shown" in said
    assert "What came from their own list" in said


def test_generations_that_shared_no_listeners_are_not_compared_by_them(pair: Station) -> None:
    done = pair.run("generations", "compare", "fourth", "first", "--by-served")
    assert done.returncode == 3
    assert "Neither fourth nor first was ever a canary beside the other one" in done.stderr
    assert "echotune generations canary fourth 10%" in done.stderr


def test_what_the_journal_makes_void_is_refused_in_words(pair: Station) -> None:
    for arguments, why in (
        (["create", "first"], "names are used once"),
        (["create", "a-0of1"], "ends like a shard"),
        (["stop", "first"], "first serves listeners"),
        (["start", "nobody"], "there is no generation nobody"),
        (["promote", "nobody"], "There is no generation nobody"),
        (["canary", "second", "0"], "second is no canary"),
        (["canary", "second", "0.004%"], "less than one listener"),
        (["canary", "second", "200%"], "no share"),
    ):
        done = pair.run("generations", *arguments, *WHY)
        assert done.returncode == 3, done.stderr
        assert why in done.stderr
    unknown = pair.run("worker", "recommender", ECHOTUNE_GENERATION="nobody")
    assert unknown.returncode == 3
    assert "echotune generations create nobody" in unknown.stderr


def test_a_generation_that_is_not_heard_may_not_serve(pair: Station) -> None:
    assert pair.run("generations", "create", "third", "--start", *WHY).returncode == 0
    refused = pair.run("generations", "promote", "third", *WHY)
    assert refused.returncode == 1
    assert "not heard: shard 0" in refused.stderr
    assert read_lifecycle(pair.addresses.kafka).plan.stable == "first"


def test_a_stopped_generation_is_parked_and_a_started_one_goes_on(pair: Station) -> None:
    worker = pair.workers[-1]
    assert pair.run("generations", "stop", "second", *WHY).returncode == 0
    assert worker.process.wait(90.0) == 0
    parked = pair.start("recommender", ECHOTUNE_GENERATION="second")
    wait_until(parked.text, lambda text: "parked" in text)
    assert pair.run("generations", "start", "second", *WHY).returncode == 0
    assert pair.json("generations", "wait", "second")["caught_up"]
    settle(pair)
    said = json.loads(pair.run("generations", "history", "--json").stdout)
    assert [each["says"] for each in said][-2:] == ["second is stopped", "second is started"]


def test_a_retired_generation_leaves_nothing_and_its_name_is_never_used_again(
    pair: Station,
) -> None:
    """Nobody stopped it before: its recommender ends because of the retirement."""
    worker = pair.workers[-1]
    folder = pair.home / "snapshots" / "echotune-recommender-second-0of1"
    assert folder.exists()
    served = pair.run("generations", "retire", "first", *WHY)
    assert served.returncode == 3
    assert "first serves listeners" in served.stderr
    for _ in range(2):  # the second time it changes nothing
        found = pair.json("generations", "retire", "second", *WHY)
        assert found["state"] == "RETIRED"
        assert all(each["done"] for each in found["steps"])
        with redis_of(pair) as redis:
            assert redis.keys("recs:second:*") == []
            assert 0 < redis.ttl("echotune:frontier:second:0of1") <= 30 * 24 * 3600
        assert worker.process.wait(90.0) == 0
        assert not folder.exists()
        assert heard(pair) == {"first"}
        assert groups_of(pair, "second") == []
        assert listed(pair)["second"]["role"] == "parked"
    hear_again(pair, "second")
    again = pair.run("generations", "create", "second", *WHY)
    assert "names are used once" in again.stderr
    assert kept(pair, "first") is True


def hear_again(station: Station, generation: str) -> None:
    """A frozen worker of a retired generation wakes and says that it is far ahead."""
    kafka, identity = station.addresses.kafka, RecommenderIdentity.of_generation(generation, 0, 1)
    with Journal(kafka) as journal:
        reader = HeartbeatReader(kafka, lambda _: None, generations=KnownGenerations(journal))
        reader.start()
        writer = HeartbeatWriter(kafka)
        writer.write(LearningProgress(str(identity), generation, 1, 1_000_000, ()))
        writer.close()
        wait_until(lambda: str(identity) in reader.heartbeats(), bool)
        assert 0 < reader.position.as_of < 1_000_000
        reader.close()


def heard(station: Station) -> set[str]:
    """The generations that have a heartbeat in the topic."""
    reader = HeartbeatReader(station.addresses.kafka, lambda _: None)
    reader.start()
    assert reader.wait_caught_up(30.0)
    found = {each.generation for each in reader.heartbeats().values()}
    reader.close()
    return found


def groups_of(station: Station, generation: str) -> list[str]:
    admin = AdminClient(client_settings(station.addresses.kafka))
    groups = [each.group_id for each in admin.list_consumer_groups().result(30.0).valid]
    return [each for each in groups if f"-{generation}-" in each]
