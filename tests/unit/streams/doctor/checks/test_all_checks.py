"""What the doctor says of each fact; a healthy system first, then one thing after another."""

from dataclasses import replace
from typing import Any

import pytest

from streams.doctor.checks.all_checks import CHECKS, examined
from streams.doctor.facts import Facts, RedisFacts, Snapshots
from streams.doctor.findings import Level, worst
from streams.kafka.open_transactions import OpenTransaction
from topics.errors import LogError
from topics.learning_progress import LearningProgress, SourcePosition

NOW_MS = 1_700_000_000_000
ME = "echotune-recommender-first-0of1"
FORMER = "echotune-recommender-first-1of2"
TOPIC_ID = b"t" * 16


def a_heartbeat(**changes: Any) -> LearningProgress:
    source = SourcePosition(TOPIC_ID, "listening-events", True, 0, 300)
    fields = {
        "recommender_id": ME,
        "generation": "first",
        "log_epoch": 1,
        "as_of": 9,
        "sources": (source,),
        "digest": "ab",
        "digest_offset": 9,
    }
    return LearningProgress(**fields | changes)  # type: ignore[arg-type]


def a_recommender(**changes: Any) -> dict[str, Any]:
    fields = {
        "recommender_id": ME,
        "applied": 300,
        "counts": {},
        "publishing": True,
        "redis_error": None,
        "snapshot_error": None,
        "unchecked_duplicates": 0,
        "drift": {"raised": 0, "latest": None},
    }
    return fields | changes


def a_sequencer(*, acknowledged: int = 300, pause_s: float = 0.0, halted: str = "") -> Any:
    return {
        "halted": halted,
        "partitions": {"0": {"acknowledged": acknowledged, "pause_s": pause_s}},
    }


def a_status(**changes: Any) -> dict[str, Any]:
    fields = {
        "recommender": a_recommender(),
        "sequencers": [a_sequencer()],
        "lag": {"events": 0, "log_records": 0},
    }
    return fields | changes


HEALTHY = Facts(
    ME,
    clock_ms=NOW_MS,
    partitions=1,
    status=a_status(),
    topic_id=TOPIC_ID,
    log_end=10,
    heartbeats={ME: (NOW_MS - 200, a_heartbeat())},
    differences=(),
    open_transactions=(OpenTransaction("listening-events", 0, 7, 2, NOW_MS - 1_000),),
    letters_at_ms=(),
    redis=RedisFacts(clock_ms=NOW_MS, active={"stable": "first", "version": "2"}),
    missing_indexes=(),
    snapshots=Snapshots(recommenders=(ME,), newest_bytes=1_000),
)


def levels(facts: Facts) -> dict[str, Level]:
    return {each.check: each.level for each in examined(facts)}


def test_of_a_healthy_system_every_check_says_that_it_is_well() -> None:
    assert levels(HEALTHY) == dict.fromkeys(CHECKS, Level.OK)


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ({"role": "slave"}, "read-only replica"),
        ({"memory_max_bytes": 9, "memory_used_bytes": 9}, "Redis is full"),
        ({"has_failed_disk": True}, "disk"),
    ],
)
def test_a_redis_that_refuses_writes_says_nothing_of_workers(
    figures: dict[str, Any], why: str
) -> None:
    unseen = replace(HEALTHY, status=a_status(recommender={}, sequencers=[]))
    said = {e.check: e for e in examined(replace(unseen, redis=RedisFacts(**figures)))}
    assert said["redis writes"].level is Level.BROKEN
    assert why in said["redis writes"].says
    assert {"sequencers", "recommender"}.isdisjoint(said)


def test_a_recommender_with_heartbeats_and_without_a_status_runs() -> None:
    unseen = replace(HEALTHY, status=a_status(recommender={}, sequencers=[]))
    said = {e.check: e for e in examined(unseen)}
    assert "sends heartbeats" in said["recommender"].says
    assert "database" in said["recommender"].remedy
    assert "sequencers" not in said


def test_foreign_keys_and_statuses_are_named_and_nothing_is_claimed_about_their_workers() -> None:
    taken = a_status(recommender=a_recommender(redis_left_out=["bob"]))
    said = {e.check: e for e in examined(replace(HEALTHY, status=taken))}
    assert "bob" in said["foreign keys"].says
    unreadable = a_status(recommender={}, sequencers=[], left_out=["echotune:status:x"])
    said = {e.check: e for e in examined(replace(HEALTHY, status=unreadable))}
    assert "echotune:status:x" in said["foreign keys"].says
    assert {"sequencers", "recommender"}.isdisjoint(said)


def told(progress: LearningProgress, *, ms_ago: int = 200) -> dict[str, Any]:
    return {"heartbeats": {progress.recommender_id: (NOW_MS - ms_ago, progress)}}


def redis(**changes: Any) -> dict[str, Any]:
    return {"redis": replace(HEALTHY.redis or RedisFacts(), **changes)}


def status(**changes: Any) -> dict[str, Any]:
    return {"status": a_status(**changes)}


def recommender(**changes: Any) -> dict[str, Any]:
    return status(recommender=a_recommender(**changes))


def open_for(seconds: int) -> dict[str, Any]:
    found = OpenTransaction("listening-events", 3, 17, 5, NOW_MS - seconds * 1_000)
    return {"open_transactions": (found,), "kafka": "k:9092"}


SICK: list[tuple[str, Level, dict[str, Any]]] = [
    ("topics", Level.BROKEN, {"differences": ("~ learning-log: retention.ms 1 → -1",)}),
    ("unreadable records", Level.BROKEN, {"halt": LogError("record 7 is damaged", "void it")}),
    ("mongodb indexes", Level.WARNING, {"missing_indexes": ("tracks.artist_key",)}),
    ("redis memory", Level.WARNING, redis(memory_max_bytes=100, policy="allkeys-lru")),
    ("redis memory", Level.BROKEN, redis(memory_max_bytes=100, evicted_keys=3)),
    ("sequencers", Level.WARNING, {"partitions": 2}),
    ("redis memory", Level.WARNING, redis(memory_max_bytes=100, memory_used_bytes=95)),
    ("redis role", Level.BROKEN, redis(role="slave")),
    (
        "vacant offsets",
        Level.WARNING,
        {"status": a_status(recommender=a_recommender(counts={"vacant": 55, "applied": 3}))},
    ),
    (
        "stray records",
        Level.WARNING,
        {"status": a_status(recommender=a_recommender(counts={"stray_in_log": 1}))},
    ),
    ("lag", Level.WARNING, {"status": a_status(lag={"events": None, "log_records": 0})}),
    ("lag", Level.WARNING, {"status": a_status(lag={"events": None, "log_records": None})}),
    ("redis writes", Level.BROKEN, redis(has_failed_disk=True)),
    (
        "foreign keys",
        Level.WARNING,
        {"status": a_status(recommender=a_recommender(redis_left_out=["bob"]))},
    ),
    ("clocks", Level.WARNING, redis(clock_ms=NOW_MS - 60_000)),
    ("clocks", Level.WARNING, told(a_heartbeat(), ms_ago=-60_000)),
    ("sequencers", Level.BROKEN, status(sequencers=[])),
    ("sequencers", Level.BROKEN, status(sequencers=[a_sequencer(halted="made again")])),
    ("sequencers", Level.WARNING, status(sequencers=[a_sequencer(pause_s=5.0)])),
    ("recommender", Level.BROKEN, status(recommender={})),
    ("schema registry", Level.BROKEN, recommender(schema_registry_error="refused")),
    (
        "schema registry",
        Level.BROKEN,
        status(sequencers=[a_sequencer() | {"schema_registry_error": "refused"}]),
    ),
    ("recommender", Level.BROKEN, recommender(redis_error="READONLY")),
    ("recommender", Level.WARNING, recommender(publishing=False)),
    ("recommender", Level.WARNING, recommender(waits_for=[FORMER])),
    ("heartbeats", Level.BROKEN, {"heartbeats": {}}),
    ("heartbeats", Level.BROKEN, told(a_heartbeat(), ms_ago=60_000)),
    (
        "digests",
        Level.BROKEN,
        {
            "heartbeats": {
                ME: (NOW_MS, a_heartbeat()),
                "other": (NOW_MS, a_heartbeat(recommender_id="other", digest="cd")),
            }
        },
    ),
    ("holes", Level.BROKEN, status(sequencers=[a_sequencer(acknowledged=301)])),
    ("lag", Level.WARNING, status(lag={"events": 1_000_000, "log_records": 0})),
    ("lag", Level.WARNING, status(lag={"events": 0, "log_records": 100_000})),
    ("transactions", Level.WARNING, open_for(60)),
    ("transactions", Level.BROKEN, open_for(3_600)),
    (
        "transactions",
        Level.WARNING,
        {"open_transactions": (OpenTransaction("recommendations", 0, 7, 2, None),)},
    ),
    ("rows that are gone", Level.WARNING, recommender(counts={"missed_in_source": 3})),
    ("dead letters", Level.WARNING, {"letters_at_ms": (NOW_MS - 1_000,) * 500}),
    ("duplicate window", Level.WARNING, recommender(unchecked_duplicates=1)),
    ("snapshots", Level.BROKEN, recommender(snapshot_error="disk full")),
    ("snapshots", Level.WARNING, {"snapshots": Snapshots(recommenders=(ME, "nobody"))}),
    ("snapshots", Level.WARNING, {"snapshots": Snapshots(set_aside=1)}),
    (
        "snapshots",
        Level.WARNING,
        told(a_heartbeat(recommender_id=FORMER))
        | {"snapshots": Snapshots(recommenders=(ME, FORMER), newest_bytes=1_000)},
    ),
    ("disk", Level.WARNING, {"snapshots": Snapshots(free_bytes=1_000)}),
    ("disk", Level.WARNING, {"snapshots": Snapshots(free_bytes=2 << 30, newest_bytes=1 << 30)}),
    ("pointer", Level.WARNING, redis(active={})),
    ("pointer", Level.BROKEN, redis(active={"first": "1.0"})),
    ("pointer", Level.BROKEN, redis(active={"stable": "first", "version": "x"})),
    ("drift", Level.WARNING, recommender(drift={"raised": 1, "latest": {}})),
]


@pytest.mark.parametrize(("check", "level", "changes"), SICK)
def test_what_is_not_well_is_said_with_what_to_do(
    check: str, level: Level, changes: dict[str, Any]
) -> None:
    [finding] = [e for e in examined(replace(HEALTHY, **changes)) if e.check == check]
    assert finding.level is level
    assert finding.remedy


@pytest.mark.parametrize("seconds", [60, 3_600])
def test_a_transaction_that_stays_open_is_named_with_the_command_that_ends_it(
    seconds: int,
) -> None:
    found = {e.check: e for e in examined(replace(HEALTHY, **open_for(seconds)))}["transactions"]
    assert "listening-events/3/17" in found.says
    assert "5 offsets wait" in found.says
    assert found.remedy.endswith(
        "kafka-transactions.sh --bootstrap-server k:9092 abort --topic listening-events "
        "--partition 3 --start-offset 17"
    )


def test_every_check_can_say_that_something_is_not_well() -> None:
    assert {check for check, *_ in SICK} == CHECKS.keys() - {
        "kafka",
        "redis",
        "registry",
        "mongodb",
        "ignored batches",
    }


@pytest.mark.parametrize(
    ("server", "level"),
    [
        ("kafka", Level.BROKEN),
        ("redis", Level.BROKEN),
        ("registry", Level.WARNING),
        ("mongo", Level.WARNING),
    ],
)
def test_a_server_that_is_away_is_a_finding_and_what_it_knows_is_not_judged(
    server: str, level: Level
) -> None:
    nothing = Facts(ME, clock_ms=NOW_MS, unavailable={server: "connection refused"})
    found = [*examined(nothing)]
    assert worst(found) is level
    assert any("refused" in each.says and each.remedy for each in found)


def test_a_batch_that_is_not_folded_yet_is_no_hole() -> None:
    behind = status(sequencers=[a_sequencer(acknowledged=301)])
    assert "holes" not in levels(replace(HEALTHY, log_end=11, **behind))


def test_who_waits_for_a_former_m_is_silent_and_nothing_is_broken() -> None:
    waiting = recommender(waits_for=[FORMER], publishing=False)
    found = levels(replace(HEALTHY, **waiting, **told(a_heartbeat(), ms_ago=600_000)))
    assert {each for each, level in found.items() if level is not Level.OK} == {"recommender"}
    [finding] = [e for e in examined(replace(HEALTHY, **waiting)) if e.check == "recommender"]
    assert FORMER in finding.says


def test_replicas_of_other_generations_may_differ() -> None:
    other = a_heartbeat(recommender_id="other", generation="second", digest="cd")
    both = {ME: (NOW_MS, a_heartbeat()), "other": (NOW_MS, other)}
    assert levels(replace(HEALTHY, heartbeats=both))["digests"] is Level.OK


def test_snapshots_of_a_former_m_are_kept_until_somebody_has_begun_from_them() -> None:
    folders = {"snapshots": Snapshots(recommenders=(FORMER,))}
    facts = replace(HEALTHY, **told(a_heartbeat(recommender_id=FORMER)), **folders)
    assert levels(facts)["snapshots"] is Level.OK


def test_of_workers_whose_status_nobody_could_ask_for_it_is_not_said_that_they_do_not_run() -> None:
    away = replace(HEALTHY, status=None, heartbeats=None, unavailable={"kafka": "it is silent"})
    assert {name for name, level in levels(away).items() if level is Level.BROKEN} == {"kafka"}
