"""The OpenAPI document in `docs/` is that of the service: a change of the API is a change there."""

import json
import os
from pathlib import Path
from typing import Any, NoReturn

from streams.serving.http_app import routed

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
