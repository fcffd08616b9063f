"""The whole way, from an event to a list and from the log to the same bytes, through crashes."""

import subprocess
from pathlib import Path

from redis import Redis

from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.station import Station, wait_until

EVENTS = 6_000
LISTENERS = 50


def test_after_each_worker_was_killed_in_mid_stream_every_event_counts_once_and_replay_agrees(
    station: Station,
) -> None:
    stream = list(a_stream(EVENTS, listeners=LISTENERS))
    third = EVENTS // 3
    sequencer, recommender = station.start("sequencer"), station.start("recommender")

    station.produce(stream[:third])
    wait_until(station.status, lambda found: (found["applied"] or 0) > 0)
    sequencer.kill()
    station.produce(stream[third : 2 * third])
    station.start("sequencer")
    recommender.kill()
    station.produce(stream[2 * third :])
    station.start("recommender")

    status = station.wait_applied(EVENTS)
    assert status["lists"] == LISTENERS
    verdict = station.verify()
    assert verdict["equal"], verdict
    assert verdict["events"] == EVENTS
    assert verdict["live"] == verdict["replay"] == status["digest"]


def test_a_repeated_event_is_counted_once_and_restarted_workers_go_on_where_they_stopped(
    station: Station,
) -> None:
    stream = list(a_stream(500))
    workers = [station.start("sequencer"), station.start("recommender")]
    station.produce(stream + stream[:200])
    counts = station.wait_applied(500)["recommender"]["counts"]
    assert counts["duplicate"] == 200

    assert [worker.stop() for worker in workers] == [0, 0]
    station.start("sequencer")
    station.start("recommender")
    station.produce(a_stream(1_000))

    assert station.wait_applied(1_000)["recommender"]["counts"]["duplicate"] == 700
    assert station.verify()["equal"]


def test_a_list_can_be_read_with_plain_commands_and_names_the_log_offset_that_made_it(
    station: Station,
) -> None:
    station.start("sequencer")
    station.start("recommender")
    station.produce(a_stream(300, listeners=5))
    as_of = station.wait_applied(300)["recommender"]["as_of"]

    with Redis.from_url(station.addresses.redis, decode_responses=True) as redis:
        stored = redis.hgetall("recs:first:listener-0")
        assert redis.hget("recs:active", "stable") == "first"
        assert redis.exists("recs:first:*everyone*")
    assert 0 < int(stored["as_of"]) <= as_of
    assert stored["items"].startswith('[["track-')


def test_a_worker_without_servers_says_what_to_do_and_shows_no_traceback(tmp_path: Path) -> None:
    nowhere = Station(tmp_path / "nowhere", KAFKA_LIBS)
    ended: subprocess.CompletedProcess[str] = nowhere.run("worker", "sequencer")
    assert ended.returncode == 3
    assert "echotune up" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_ranker_of_river_itself_runs_in_the_models_place_and_replay_agrees(
    station: Station,
) -> None:
    station.environment["ECHOTUNE_MODEL"] = "river:BiasedMF"
    station.start("sequencer")
    recommender = station.start("recommender")
    station.produce(a_stream(600, listeners=20))
    wait_until(station.status, lambda found: (found["applied"] or 0) > 0)
    recommender.kill()
    station.start("recommender")

    assert station.wait_applied(600)["recommender"]["quality"]["hits"] > 0
    assert station.verify()["equal"]
    assert "river" in station.run("recommend", "listener-1", "--explain").stdout
