"""The OpenAPI document in `docs/` is that of the service: a change of the API is a change there."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from schemathesis.core.failures import FailureGroup

from streams.serving.http_app import routed
from tests.support.documented_answers import documented

OK = {"status": "ok"}
DOCUMENT = Path(__file__).parents[4] / "docs" / "openapi.json"


def not_opened() -> NoReturn:
    raise AssertionError("nothing is served here")


def document() -> dict[str, Any]:
    return {**routed(not_opened).openapi(), "openapi": "3.1.0"}


def test_the_document_is_that_of_the_service() -> None:
    text = json.dumps(document(), indent=1, sort_keys=True) + "\n"
    if os.environ.get("ECHOTUNE_WRITE_OPENAPI"):  # `make openapi`
        DOCUMENT.write_text(text)
    assert DOCUMENT.read_text() == text


def test_every_operation_says_what_it_does_and_how_it_fails() -> None:
    for path, operations in document()["paths"].items():
        for operation in operations.values():
            assert operation["description"].strip(), path
            problem = operation["responses"]["default"]["content"]["application/json"]
            assert problem["schema"]["$ref"].endswith("/Problem"), path


def test_every_operation_says_what_it_answers_and_no_object_has_other_fields() -> None:
    found = document()
    for path, operations in found["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            assert answers.keys() == {"204", "default"} or answers["200"]["content"], path
    models = [each for each in found["components"]["schemas"].values() if "properties" in each]
    assert [each["title"] for each in models if each.get("additionalProperties") is not False] == []


def answered(status: int, **content: Any) -> httpx.Response:
    """An answer of an endpoint that says `ok`."""
    request = httpx.Request("POST", "http://here//1/latest-import/")  # the service mends the path
    answer = httpx.Response(status, request=request, **content)
    answer.elapsed = timedelta()
    return answer


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, {"json": {**OK, "more": 1}}),
        (200, {"json": {"status": "done"}}),
        (200, {"json": {}}),
        (200, {"text": "ok"}),
        (201, {"json": OK}),
        (204, {}),
        (400, {"json": {"code": 400, "error": "x", "more": 1}}),
    ],
)
def test_an_answer_that_the_document_does_not_name_is_found(
    status: int, content: dict[str, Any]
) -> None:
    documented(answered(200, json=OK))
    documented(answered(400, json={"code": 400, "error": "x"}))
    with pytest.raises(FailureGroup):
        documented(answered(status, **content))
