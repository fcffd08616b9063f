"""The Avro contracts: documented, released once for ever, and readable by every other version."""

import copy
import json
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

import pytest

from topics.catalogue import CATALOGUE
from topics.compatibility import contract_incompatibilities, incompatibilities
from topics.schemas import (
    FIXED_IDS_FROM,
    avro_folder,
    current,
    raw_schema,
    released,
    released_schemas,
    released_text,
)

RELEASED = {
    1_000_000_000: ("ListeningEvent.v1", "73196158f9196673"),
    1_000_000_001: ("LearningBatch.v1", "4085e216a01aff05"),
    1_000_000_002: ("SourceAdded.v1", "b4093ec953f0f7b3"),
    1_000_000_003: ("SourceTruncated.v1", "bc8234a9e46be624"),
    1_000_000_004: ("LogEpochStarted.v1", "aa0ff7dd0e1c464c"),
    1_000_000_005: ("RecommendationList.v1", "c67b022dec50ad89"),
    1_000_000_006: ("LearningProgress.v1", "115a3336ab849991"),
    1_000_000_007: ("DriftAlarm.v1", "42cf8ac7adcd9661"),
    1_000_000_008: ("GenerationCreated.v1", "1004222e2071f6b8"),
    1_000_000_009: ("GenerationMoved.v1", "25ac0f00b1a90e46"),
    1_000_000_010: ("ServingChanged.v1", "348ac6a806a57a42"),
    1_000_000_011: ("AutopilotSet.v1", "fa25dae530fd5654"),
    1_000_000_012: ("GenerationsCompared.v1", "e0e7a7de6e6ee624"),
    1_000_000_013: ("ListeningEvent.v2", "00accb31109acc53"),
    1_000_000_014: ("LearningBatch.v2", "cd9c673b18478413"),
    1_000_000_015: ("RecordsVoided.v1", "2371063a4c795132"),
    1_000_000_016: ("ListeningEvent.v3", "6a65d49f0bc42a1a"),
}
"""Every id that was ever given, with its contract and fingerprint: add, never change."""

CONTRACTS = sorted({name.partition(".")[0] for name, _ in RELEASED.values()})


def fingerprint(schema: Any) -> str:
    return blake2b(json.dumps(schema, sort_keys=True).encode(), digest_size=8).hexdigest()


def records_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Every record defined anywhere in `schema`."""
    if isinstance(schema, list):
        for each in schema:
            yield from records_in(each)
    elif isinstance(schema, dict):
        if schema.get("type") == "record":
            yield schema
        for each in schema.values():
            yield from records_in(each)


def test_every_contract_in_the_folder_is_released() -> None:
    assert sorted(path.stem for path in avro_folder().glob("*.avsc")) == CONTRACTS


def test_every_released_file_has_an_id() -> None:
    files = {path.stem for path in (avro_folder() / "released").glob("*.avsc")}
    assert files == {f"{each.name}.v{each.version}" for each in released_schemas().values()}


def test_an_id_once_given_names_the_same_schema_for_ever() -> None:
    table = {
        schema_id: (f"{each.name}.v{each.version}", fingerprint(released_text(each)))
        for schema_id, each in released_schemas().items()
    }
    assert table == RELEASED


def test_ids_are_unique_and_lie_in_the_reserved_range() -> None:
    text = (avro_folder() / "ids.json").read_text("utf-8")
    pairs: list[tuple[str, str]] = json.loads(text, object_pairs_hook=list)
    ids, names = zip(*pairs, strict=True)
    assert len(set(ids)) == len(ids)
    assert len(set(names)) == len(names)
    assert min(map(int, ids)) >= FIXED_IDS_FROM


@pytest.mark.parametrize("name", CONTRACTS)
def test_versions_are_counted_from_one_and_their_ids_grow_with_them(name: str) -> None:
    versions = sorted(
        (each.version, schema_id)
        for schema_id, each in released_schemas().items()
        if each.name == name
    )
    assert [version for version, _ in versions] == list(range(1, len(versions) + 1))
    assert sorted(schema_id for _, schema_id in versions) == [each for _, each in versions]


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_contract_is_its_newest_released_version(name: str) -> None:
    assert raw_schema(name) == released_text(current(name))


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_record_and_every_field_says_what_it_means(name: str) -> None:
    for record in records_in(raw_schema(name)):
        for each in (record, *record["fields"]):
            assert len(each.get("doc", "")) > 5, f"{record['name']}.{each['name']} has no doc"


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_version_reads_every_other(name: str) -> None:
    assert contract_incompatibilities(name) == []


def test_a_released_schema_is_found_by_its_id() -> None:
    assert all(released(schema_id).schema_id == schema_id for schema_id in RELEASED)


Change = Callable[[dict[str, Any]], Any]


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in schema["fields"] if each["name"] == name)
    return found


def kind(schema: dict[str, Any]) -> dict[str, Any]:
    return field(schema, "kind")["type"]  # type: ignore[no-any-return]


def after(change: Change) -> list[Any]:
    """`ListeningEvent` as released and as changed."""
    changed = copy.deepcopy(raw_schema("ListeningEvent"))
    change(changed)
    return [raw_schema("ListeningEvent"), changed]


A_NEW_FIELD = {"name": "mood", "type": ["null", "string"]}
A_NEW_FIELD_WITH_A_DEFAULT = {**A_NEW_FIELD, "default": None}

ALLOWED: dict[str, Change] = {
    "a field with a default is added": lambda s: s["fields"].append(A_NEW_FIELD_WITH_A_DEFAULT),
    "fields change places": lambda s: s["fields"].reverse(),
    "a doc is made clearer": lambda s: field(s, "source").update(doc="Clearer than before."),
    "a symbol is appended": lambda s: kind(s)["symbols"].append("SKIPPED"),
}

REFUSED: dict[str, Change] = {
    "a field is added without a default": lambda s: s["fields"].append(A_NEW_FIELD),
    "a field without a default is removed": lambda s: s["fields"].remove(field(s, "source")),
    "a field with a default is removed": lambda s: s["fields"].remove(field(s, "context")),
    "a field without a default is renamed": lambda s: field(s, "source").update(name="service"),
    "a field with a default is renamed": lambda s: field(s, "context").update(name="place"),
    "an alias hides a new name": lambda s: field(s, "source").update(
        name="service", aliases=["source"]
    ),
    "text becomes bytes": lambda s: field(s, "source").update(type="bytes"),
    "a long becomes an int": lambda s: field(s, "ms_played").update(type=["null", "int"]),
    "a long becomes a double": lambda s: field(s, "ms_played").update(type=["null", "double"]),
    "null is no longer allowed": lambda s: field(s, "context").update(type="string", default=""),
    "null becomes allowed": lambda s: field(s, "source").update(type=["null", "string"]),
    "a union has one more type": lambda s: field(s, "context").update(
        type=["null", "string", "long"]
    ),
    "a default goes": lambda s: field(s, "context").pop("default"),
    "the record has another name": lambda s: s.update(name="Played"),
    "a symbol is appended but there is no default": lambda s: (
        kind(s)["symbols"].append("SKIPPED"),
        kind(s).pop("default"),
    ),
    "a symbol is removed": lambda s: kind(s)["symbols"].remove("ERASE"),
    "a symbol is renamed": lambda s: kind(s)["symbols"].__setitem__(1, "PLAY"),
    "symbols change places": lambda s: kind(s)["symbols"].reverse(),
    "the default symbol is another": lambda s: kind(s).update(default="LISTEN"),
}


@pytest.mark.parametrize("change", ALLOWED.values(), ids=ALLOWED)
def test_a_change_that_loses_nothing_is_allowed(change: Change) -> None:
    assert incompatibilities(after(change)) == []


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_change_that_breaks_a_reader_or_loses_a_meaning_is_refused(change: Change) -> None:
    assert incompatibilities(after(change)) != []


def test_a_default_that_becomes_another_value_is_refused() -> None:
    changed = copy.deepcopy(raw_schema("LearningProgress"))
    field(changed, "digest_offset")["default"] = 0
    problems = incompatibilities([raw_schema("LearningProgress"), changed])
    assert problems == ["version 2: digest_offset changes its default"]


def test_a_field_lost_inside_a_list_is_refused_by_its_path() -> None:
    changed = copy.deepcopy(raw_schema("LearningProgress"))
    items = field(changed, "sources")["type"]["items"]
    items["fields"].remove(field(items, "adopted"))
    problems = incompatibilities([raw_schema("LearningProgress"), changed])
    assert problems == ["version 2: sources[].adopted is gone"]


def test_an_id_of_another_length_is_refused() -> None:
    changed = copy.deepcopy(raw_schema("SourceAdded"))
    field(changed, "topic_id")["type"]["size"] = 8
    assert incompatibilities([raw_schema("SourceAdded"), changed]) != []


def test_a_version_must_fit_all_its_ancestors_and_not_only_its_parent() -> None:
    first = raw_schema("ListeningEvent")
    gone = copy.deepcopy(first)
    gone["fields"].remove(field(gone, "context"))
    back = copy.deepcopy(first)
    field(back, "context").update(type=["null", "long"])
    problems = incompatibilities([first, gone, back])
    assert any(problem.startswith("version 3 cannot read version 1") for problem in problems)


def test_the_readme_lists_every_id_with_its_topic() -> None:
    rows = {
        f"| {schema_id} | {each.name}.v{each.version} | `{topic.name}` |"
        for schema_id, each in released_schemas().items()
        for topic in CATALOGUE
        if each.name in topic.contracts
    }
    lines = (avro_folder() / "README.md").read_text("utf-8").splitlines()
    listed = {
        line.rpartition("|")[0].rpartition("|")[0] + "|" for line in lines if "| 1000" in line
    }
    assert listed == rows
