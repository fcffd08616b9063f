"""Compares answers of the service with the OpenAPI document, whichever test asks for them."""

from typing import Any

import httpx
import schemathesis
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from streams.serving.path_rules import mended
from tests.support.station import REPOSITORY

DOCUMENT = schemathesis.openapi.from_path(REPOSITORY / "docs" / "openapi.json")
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]


def operation_of(answer: httpx.Response) -> APIOperation[Any, Any, Any, Any] | None:
    """The operation of the document that gave an answer; None if it was none of them."""
    path = mended(answer.request.url.raw_path.partition(b"?")[0].decode())
    return DOCUMENT.find_operation_by_path(answer.request.method, path)


def label_of(answer: httpx.Response) -> str:
    """The method and the path, as the document has them, that gave an answer."""
    operation = operation_of(answer)
    assert operation is not None, f"{answer.request.url} is not in the document"
    return operation.label


def documented(answer: httpx.Response) -> httpx.Response:
    """The answer, which has to be as the document says; raises `FailureGroup` if it is not."""
    operation = operation_of(answer)
    if operation is not None and answer.request.method != "HEAD":  # which has no body
        asked = operation.Case(path_parameters={"name": "whoever"})
        asked.validate_response(answer, checks=CHECKS)
    return answer


def check(answer: httpx.Response) -> None:
    """The same for `event_hooks` of a client."""
    answer.read()
    documented(answer)


async def check_async(answer: httpx.Response) -> None:
    """The same for `event_hooks` of an asynchronous client."""
    await answer.aread()
    documented(answer)
