"""Two installations on one Kafka and one Redis do not see each other."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.conftest import KAFKA_LIBS
from tests.support.guest_station import GuestStation
from tests.support.lists_seen import redis_of
from tests.support.station import Station, wait_until

PLAYS = {"one.": 120, "two-": 80}
TIMEOUT_S = 30.0


def a_history(path: Path, prefix: str) -> Path:
    """A CSV file of plays of listeners whose ids are the same in every installation."""
    lines = [
        f"listener-{at % 4},artist {at % 20},title {at % 40},{1_700_000_000 + at * 300}"
        for at in range(PLAYS[prefix])
    ]
    path.write_text("\n".join(["listener,artist,track,listened_at", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[GuestStation]]:
    """Two installations that have learnt histories of different length."""
    folder = tmp_path_factory.mktemp("prefix")
    with ExitStack() as stack:
        host = stack.enter_context(closing(Station(folder / "host", KAFKA_LIBS)))
        host.servers.up()
        guests = [
            stack.enter_context(closing(GuestStation(folder / name.strip(".-"), host, name)))
            for name in PLAYS
        ]
        for each in guests:
            each.up()
            each.start("sequencer")
            each.start("recommender")
            done = each.run("import", str(a_history(each.home / "plays.csv", each.prefix)))
            assert done.returncode == 0, done.stderr
        for each in guests:
            each.wait_applied(PLAYS[each.prefix])
        yield guests


def test_each_has_learnt_its_own_plays_alone(guests: list[GuestStation]) -> None:
    for each in guests:
        found = each.status()
        assert found["applied"] == PLAYS[each.prefix]
        assert len(found["sequencers"]) == 1
        assert found["problems"] == []


def test_commands_of_each_see_its_own_alone(guests: list[GuestStation]) -> None:
    for each in guests:
        assert each.run("topics", "check").returncode == 0
        deep = each.json("verify", "--deep")
        assert deep["equal"], deep
        assert all(promise["broken"] == 0 for promise in deep["promises"]), deep
        doctor = each.run("doctor")
        assert doctor.returncode == 0, doctor.stdout
        assert each.json("recommend", "listener-1")["items"]


def test_every_name_begins_with_the_prefix_of_its_owner(guests: list[GuestStation]) -> None:
    prefixes = tuple(PLAYS)
    admin = AdminClient({"bootstrap.servers": str(guests[0].addresses.kafka)})
    topics = {name for name in admin.list_topics(timeout=TIMEOUT_S).topics if name[:2] != "__"}
    assert topics
    assert all(name.startswith(prefixes) for name in topics)
    groups = {each.group_id for each in admin.list_consumer_groups().result(TIMEOUT_S).valid}
    assert groups
    assert all(name.startswith(prefixes) for name in groups)
    keys = {key.decode() for key in redis_of(guests[0]).scan_iter()}
    assert keys
    assert all(key.startswith(prefixes) for key in keys)


def test_an_erasure_in_one_leaves_the_other_as_it_is(guests: list[GuestStation]) -> None:
    one, other = guests
    done = one.run("send", "--listener", "listener-2", "--kind", "ERASE")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: one.json("recommend", "listener-2"), lambda each: bool(each.get("fallback")))
    assert not other.json("recommend", "listener-2").get("fallback")
