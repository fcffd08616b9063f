"""A real schema registry beside real workers: its ids are read, and the log never needs it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from streams.dead_letters.dead_letter_reader import dead_letters
from streams.registry.contracts import registered_id
from streams.registry.http_schema_registry import HttpSchemaRegistry
from streams.verifying.published_lists import committed_lists
from tests.conftest import KAFKA_LIBS
from tests.support.coverage_audit import audited
from tests.support.events import a_stream
from tests.support.hostile_schemas import NODE, an_event_after, nested, with_extra
from tests.support.registered import (
    a_contract,
    another_record,
    with_a_mood,
    without_listener,
    written,
)
from tests.support.registry_server import RegistryServer
from tests.support.station import Station, StationHere, Worker, wait_until
from tests.support.tcp_proxy import TcpProxy
from topics.catalogue import RECOMMENDATIONS
from topics.codecs import schema_ref_of
from topics.errors import SchemaRefusedError

SUBJECT = "listening-events-value"
UNKNOWN_ID = 999_999


@pytest.fixture(scope="module")
def registry(registry_server: RegistryServer) -> HttpSchemaRegistry:
    """The registry itself, as producers reach it; its contracts' subjects are this module's."""
    return HttpSchemaRegistry(registry_server.url)


@pytest.fixture(scope="module")
def proxy(registry_server: RegistryServer) -> Iterator[TcpProxy]:
    """The way on which EchoTune reaches the registry."""
    with TcpProxy(registry_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def station(
    tmp_path_factory: pytest.TempPathFactory, registry_server: RegistryServer, proxy: TcpProxy
) -> Iterator[Station]:
    """Both workers with a registry that has the contracts."""
    station = StationHere(tmp_path_factory.mktemp("registered") / "home", KAFKA_LIBS)
    url = registry_server.url.replace(f":{registry_server.port}", f":{proxy.port}")
    station.environment["ECHOTUNE_SCHEMA_REGISTRY"] = url
    with ExitStack() as stack:
        stack.callback(station.close)
        station.up()
        applied = station.json("schemas", "apply")
        assert len(applied["differences"]) == 4, applied
        station.start("recommender")
        yield station


def send(station: Station, schema_id: int, text: str, *minutes: int) -> None:
    """An event a minute, as a producer writes it that registered `text`."""
    for minute in minutes:
        value = written(schema_id, text, minute=minute, track_id=f"t{minute}")
        station.produce_raw(value, key=b"ann", flush=False)
    station.flush()


def wait_until_waiting(station: Station, sequencer: Worker) -> None:
    """Waits until a sequencer says that it waits for the registry."""
    own = f"-{sequencer.process.pid}-"

    def errors() -> list[str]:
        found = station.status()["sequencers"]
        return [e["schema_registry_error"] for e in found if own in e["sequencer_id"]]

    wait_until(errors, any)


def test_events_of_registered_schemas_are_read_and_what_is_none_is_a_dead_letter(
    station: Station, registry: HttpSchemaRegistry
) -> None:
    sequencer = station.start("sequencer")
    texts = [a_contract(), a_contract(with_a_mood)]
    for at, text in enumerate(texts):
        send(station, registry.register(SUBJECT, text), text, 2 * at, 2 * at + 1)
    wrong = {UNKNOWN_ID: texts[0]}
    for change in (another_record, without_listener):
        text = a_contract(change)
        wrong[registry.register(f"tests-{change.__name__}", text)] = text
    for schema_id, text in wrong.items():
        send(station, schema_id, text, 9)
    station.produce(a_stream(5))

    station.wait_applied(4 + 5)
    letters = {each.headers["schema_id"]: each for each in dead_letters(station.addresses.kafka)}
    told = [letters.pop(str(schema_id)) for schema_id in wrong]
    assert not letters
    assert [each.reason for each in told] == ["unknown_schema", "unknown_schema", "malformed"]
    for letter, clue in zip(told, ("registry", "echotune.Purchase", "listener_id"), strict=True):
        assert clue in letter.error
    found = station.json("verify", "--deep")
    assert found["equal"], found
    assert found["kept"], found
    assert not any(each["unknown"] for each in found["promises"]), found
    assert sequencer.stop() == 0


def test_lists_are_published_under_the_registrys_id(
    station: Station, registry: HttpSchemaRegistry
) -> None:
    wanted = registered_id(registry, RECOMMENDATIONS)
    assert wanted is not None
    station.wait_applied(9)
    values = [message.value() for message in committed_lists(station.addresses.kafka)]
    assert values
    assert {schema_ref_of(value) for value in values if value is not None} == {wanted}


def test_a_registry_that_is_away_stops_nothing_but_ids_that_are_not_known_yet(
    station: Station, registry: HttpSchemaRegistry, proxy: TcpProxy
) -> None:
    text = a_contract(lambda schema: schema.update(doc="one more"))
    schema_id = registry.register(SUBJECT, text)
    letters = len(dead_letters(station.addresses.kafka))
    proxy.set("refuse")
    first = station.start("sequencer")
    send(station, schema_id, text, *range(20, 30))
    wait_until_waiting(station, first)
    assert first.stop() == 0

    wait_until_waiting(station, station.start("sequencer"))
    assert station.status()["applied"] == 9
    assert station.verify()["equal"]
    proxy.set("heal")
    station.wait_applied(9 + 10)
    assert len(dead_letters(station.addresses.kafka)) == letters
    assert audited(station.addresses.kafka)["rows"] == 9 + 10


def test_the_registry_refuses_a_schema_that_not_every_reader_could_read(
    station: Station, registry: HttpSchemaRegistry
) -> None:
    assert registry.level(SUBJECT) == "FULL_TRANSITIVE"
    before = registry.versions(SUBJECT)
    with pytest.raises(SchemaRefusedError, match=r"listener_id.*409"):
        registry.register(SUBJECT, a_contract(without_listener))
    assert registry.versions(SUBJECT) == before
    assert station.json("schemas", "check")["differences"] == []


def test_a_record_that_nests_as_deep_as_it_is_long_is_a_dead_letter_and_the_worker_lives(
    station: Station, registry: HttpSchemaRegistry
) -> None:
    for worker in station.workers[1:]:
        worker.kill()
    sequencer = station.start("sequencer")
    applied, letters = station.status()["applied"], len(dead_letters(station.addresses.kafka))
    text = with_extra(NODE)
    schema_id = registry.register("tests-recursive", text)
    for levels in (40_000, 3):
        minute = 100 + levels % 97
        value = an_event_after(nested(levels), schema_id, minute=minute, track_id="deep")
        station.produce_raw(value, key=b"ann")
    station.wait_applied(applied + 1)
    [letter] = dead_letters(station.addresses.kafka)[letters:]
    assert letter.reason == "malformed"
    assert "nests deeper" in letter.error
    assert sequencer.process.poll() is None
    assert station.json("verify", "--deep")["kept"]


def test_a_schema_named_in_a_header_is_read_and_one_that_nobody_knows_keeps_its_header(
    station: Station, registry: HttpSchemaRegistry
) -> None:
    applied, letters = station.status()["applied"], len(dead_letters(station.addresses.kafka))
    text = a_contract(with_a_mood)
    schema_id = registry.register(SUBJECT, text)
    by_id = b"\x00" + schema_id.to_bytes(4, "big")
    by_guid = b"\x01" + bytes(range(16))
    for minute, named in ((300, by_id), (301, by_guid)):
        value = written(schema_id, text, minute=minute, track_id=f"t{minute}")[5:]
        headers = [("traceparent", b"00"), ("__value_schema_id", named)]
        station.produce_raw(value, key=b"ann", headers=headers)
    station.wait_applied(applied + 1)
    [letter] = dead_letters(station.addresses.kafka)[letters:]
    assert letter.reason == "unknown_schema"
    assert letter.headers["schema_id"] == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert letter.record_headers == {"__value_schema_id": by_guid}
    assert station.json("verify", "--deep")["kept"]
