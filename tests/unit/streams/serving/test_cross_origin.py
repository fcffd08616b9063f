"""Browsers ask first whether a page may ask; the answer has a form that clients understand."""

import httpx
import pytest

from streams.serving.cross_origin import CrossOrigin
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
