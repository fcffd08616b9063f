"""Fixed ids find released schemas without any registry."""

import pytest

from topics.errors import SchemaError
from topics.schemas import FIXED_IDS_FROM, current, raw_schema, released, released_schemas


def test_every_released_schema_is_found_by_its_id_and_as_the_current_one_of_its_name() -> None:
    for schema_id, schema in released_schemas().items():
        assert released(schema_id) == schema
        assert current(schema.name).version >= schema.version


def test_the_full_name_of_a_contract_is_in_the_namespace_of_the_project() -> None:
    assert {each.schema["name"] for each in released_schemas().values()} == {
        f"echotune.{each.name}" for each in released_schemas().values()
    }


@pytest.mark.parametrize("schema_id", [0, FIXED_IDS_FROM - 1, FIXED_IDS_FROM + 999_999])
def test_an_id_that_was_never_given_says_what_to_do(schema_id: int) -> None:
    with pytest.raises(SchemaError, match=f"{schema_id} is not in avro/ids.json.*upgrade"):
        released(schema_id)


def test_a_contract_that_does_not_exist_says_where_to_read_on() -> None:
    with pytest.raises(SchemaError, match=r"no contract 'Nothing'.*avro/README\.md"):
        raw_schema("Nothing")
    with pytest.raises(SchemaError, match=r"'Nothing' was never released.*avro/ids\.json"):
        current("Nothing")
