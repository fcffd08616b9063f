"""Browsers ask first whether a page may ask; the answer has a form that clients understand."""

from typing import NoReturn

import httpx
import pytest

from streams.serving.cross_origin import CrossOrigin
from streams.serving.http_app import http_app
from streams.serving.problems import Json

ORIGIN = {"Origin": "https://player.example"}


async def asked(method: str, headers: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(CrossOrigin(Json({"status": "ok"})))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.request(method, "/1/submit-listens", headers=headers)


def wants(method: str, headers: str = "authorization, content-type") -> dict[str, str]:
    names = "Access-Control-Request-Method", "Access-Control-Request-Headers"
    return ORIGIN | dict(zip(names, (method, headers), strict=True))


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_a_page_of_any_origin_may_ask_with_a_token(method: str) -> None:
    answer = await asked("OPTIONS", wants(method))
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type"
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_method_that_no_path_has_is_refused_as_everything_else_is() -> None:
    answer = await asked("OPTIONS", wants("DELETE"))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"code": 400, "error": "Disallowed CORS method"}
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_a_page_may_read_how_often_it_may_ask() -> None:
    answer = await asked("GET", ORIGIN)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-RateLimit-Reset-In" in answer.headers["access-control-expose-headers"]


def not_opened() -> NoReturn:
    raise AssertionError("nothing is served here")


@pytest.mark.parametrize("path", ["/v1/me", "/1/submit-listens", "/nothing"])
async def test_a_page_may_read_every_error_also_an_unexpected_one(path: str) -> None:
    app = http_app(not_opened)  # without services every endpoint fails unexpectedly
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.request("POST" if "submit" in path else "GET", path, headers=ORIGIN)
    assert answer.json()["code"] == answer.status_code == (404 if path == "/nothing" else 500)
    assert answer.headers["access-control-allow-origin"] == "*"
