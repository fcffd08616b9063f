"""What every schema registry does: the real one over HTTP, and its twin in memory."""

import json
import urllib.request
import uuid
from typing import Any

import pytest

from streams.registry.http_schema_registry import HttpSchemaRegistry
from streams.registry.memory_schema_registry import MemorySchemaRegistry
from streams.registry.schema_registry import SchemaRegistry
from tests.support.registry_server import RegistryServer
from topics.errors import SchemaRefusedError
from topics.registered_schemas import writer_schema

UNKNOWN_ID = 999_999


@pytest.fixture(params=["http", "memory"])
def registry(request: pytest.FixtureRequest) -> SchemaRegistry:
    if request.param == "memory":
        return MemorySchemaRegistry()
    server: RegistryServer = request.getfixturevalue("registry_server")
    return HttpSchemaRegistry(server.url)


@pytest.fixture
def subject() -> str:
    """One of this test alone, with characters that a path would not take as they are."""
    return f"tests/{uuid.uuid4().hex} ä-value"


def a_schema(*fields: str, **defaults: Any) -> str:
    """A record with a text field of each name; those of `defaults` have one."""
    told: list[dict[str, Any]] = [{"name": each, "type": "string"} for each in fields]
    told += [{"name": n, "type": "string", "default": value} for n, value in defaults.items()]
    name = f"R{uuid.uuid4().hex}"
    return json.dumps({"type": "record", "name": name, "namespace": "tests", "fields": told})


def renamed_as(schema: str, other: str) -> str:
    """`schema` under the name of `other`, so that it is another version of it."""
    return json.dumps(json.loads(schema) | {"name": json.loads(other)["name"]})


def test_what_is_registered_is_found_by_its_id_and_by_its_subject(
    registry: SchemaRegistry, subject: str
) -> None:
    schema = a_schema("a")
    schema_id = registry.register(subject, schema)
    found = registry.schema(schema_id)
    assert found is not None
    assert (json.loads(found.text), found.references) == (json.loads(schema), ())
    assert [each.schema_id for each in registry.versions(subject)] == [schema_id]


def test_registering_twice_is_registering_once(registry: SchemaRegistry, subject: str) -> None:
    schema = a_schema("a")
    assert registry.register(subject, schema) == registry.register(subject, schema)
    assert len(registry.versions(subject)) == 1


def test_versions_come_in_the_order_of_their_making(registry: SchemaRegistry, subject: str) -> None:
    first = a_schema("a")
    ids = [registry.register(subject, first)]
    for at in range(11):
        more = renamed_as(a_schema("a", **{f"b{at}": ""}), first)
        ids.append(registry.register(subject, more))
    assert [each.schema_id for each in registry.versions(subject)] == ids


def test_an_id_or_a_subject_that_nobody_registered_is_none(
    registry: SchemaRegistry, subject: str
) -> None:
    assert registry.schema(UNKNOWN_ID) is None
    assert registry.versions(subject) == []
    assert registry.level(subject) is None


def test_a_level_is_kept(registry: SchemaRegistry, subject: str) -> None:
    registry.register(subject, a_schema("a"))
    assert registry.level(subject) in (None, "NONE")
    for level in ("BACKWARD", "FULL_TRANSITIVE"):
        registry.set_level(subject, level)
        assert registry.level(subject) == level


def test_a_schema_that_cannot_read_its_predecessor_is_refused_and_changes_nothing(
    registry: SchemaRegistry, subject: str
) -> None:
    first = a_schema("a")
    registry.register(subject, first)
    registry.set_level(subject, "FULL_TRANSITIVE")
    with pytest.raises(SchemaRefusedError, match=subject.split(maxsplit=1)[0]):
        registry.register(subject, renamed_as(a_schema("b"), first))
    assert len(registry.versions(subject)) == 1


def test_a_schema_with_one_more_default_is_taken(registry: SchemaRegistry, subject: str) -> None:
    first = a_schema("a")
    registry.register(subject, first)
    registry.set_level(subject, "FULL_TRANSITIVE")
    registry.register(subject, renamed_as(a_schema("a", b="none"), first))
    assert len(registry.versions(subject)) == 2


def test_what_is_no_schema_is_refused(registry: SchemaRegistry, subject: str) -> None:
    with pytest.raises(SchemaRefusedError):
        registry.register(subject, "rubbish")


def test_a_real_registry_says_what_a_schema_refers_to(registry_server: RegistryServer) -> None:
    name = f"tests.M{uuid.uuid4().hex}"
    mood = json.dumps({"type": "enum", "name": name, "symbols": ["SAD"]})
    text = json.dumps(json.loads(a_schema("a")) | {"fields": [{"name": "m", "type": name}]})
    _register(registry_server, f"{name}-mood", {"schema": mood})
    reference = {"name": name, "subject": f"{name}-mood", "version": 1}
    schema_id = _register(registry_server, name, {"schema": text, "references": [reference]})
    found = HttpSchemaRegistry(registry_server.url).schema(schema_id)
    assert found is not None
    assert [json.loads(each)["name"] for each in found.references] == [name]
    assert writer_schema(schema_id, *found).name == "tests." + json.loads(text)["name"]
    assert HttpSchemaRegistry(registry_server.url).schema(str(uuid.uuid4())) is None


def _register(server: RegistryServer, subject: str, body: dict[str, Any]) -> int:
    asked = urllib.request.Request(
        f"{server.url}/subjects/{subject}/versions",
        json.dumps(body).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(asked) as answer:
        return int(json.load(answer)["id"])
