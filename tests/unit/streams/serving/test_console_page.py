"""The page is small, strict and readable to all, and is no answer to anything but `/`."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from redis.asyncio import Redis

from streams.people.people import Person
from streams.serving.console.assets import assets
from streams.serving.console.console_state import STREAMS_OF_ONE_MAX, ConsoleState
from streams.serving.http_app import for_clients, routed
from streams.serving.rate_limits import ReadLimits
from streams.serving.services import Services

TRANSFERRED_MAX = 60_000
ANN = {"Authorization": "Token ann"}
ROOT = {"Authorization": "Token root"}


class People:
    """Two people, whose tokens are their names."""

    is_fresh = True

    def __init__(self) -> None:
        self.known = {"ann": Person("ann"), "root": Person("root", is_admin=True)}

    async def person_of(self, token: str) -> Person | None:
        return self.known.get(token)

    async def person(self, name: str) -> Person | None:
        return self.known.get(name)


@asynccontextmanager
async def serving(console: ConsoleState | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over services that have people alone."""
    parts = {
        "people": People(),
        "console": console or ConsoleState(),
        "reads": ReadLimits(Redis(), limit=0),
    }
    services = cast("Services", SimpleNamespace(**parts))

    @asynccontextmanager
    async def opened() -> AsyncIterator[Services]:
        yield services

    app = routed(opened)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(for_clients(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            yield client


class Page(HTMLParser):
    """What is checked of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


async def test_the_page_forbids_what_is_not_its_own_and_asks_for_nothing_elsewhere() -> None:
    async with serving() as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    policy = dict(
        each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    page = Page(answer.text)
    addresses = [each.get("src") or each.get("href") for _, each in page.tags]
    assert all(each[0] in "/#" or each.startswith("data:") for each in addresses if each)
    assert not [each for _, each in page.tags if any(name.startswith("on") for name in each)]
    assert not [each for _, each in page.tags if "style" in each]


async def test_every_file_of_the_page_may_be_kept_for_ever_under_its_own_address() -> None:
    async with serving() as client:
        page = Page((await client.get("/")).text)
        named = [
            each for each in (*page.all("script"), *page.all("link")) if each.get("rel") != "icon"
        ]
        for each in named:
            answer = await client.get(str(each.get("src") or each.get("href")))
            assert "immutable" in answer.headers["cache-control"]
        unnamed = await client.get("/console/app.js")
        assert unnamed.headers["cache-control"] == "no-cache"
        again = await client.get(
            "/", headers={"If-None-Match": (await client.get("/")).headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
    assert len(named) == 5


def test_all_of_the_page_is_less_than_60_kb() -> None:
    sizes = {name: len(each.gzipped) for name, each in assets().items()}
    assert sum(sizes.values()) < TRANSFERRED_MAX


async def test_a_client_that_takes_no_gzip_gets_the_same_page_plain() -> None:
    async with serving() as client:
        plain = await client.get("/", headers={"Accept-Encoding": "identity"})
        zipped = await client.get("/", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.content == zipped.content


@pytest.mark.parametrize(
    "path",
    [
        *("/console", "/console/", "/console/nothing.js", "/console/index.html", "/index.html"),
        *("/apis/web/v1/stats", "/1", "/x", "/console/../app.js", "/console/%2e%2e%2fpage.py"),
    ],
)
async def test_an_unknown_path_is_a_json_404_and_never_the_page(path: str) -> None:
    async with serving() as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == 404


async def test_the_page_has_a_language_a_title_one_main_and_a_label_for_each_field() -> None:
    async with serving() as client:
        text = (await client.get("/")).text
    page = Page(text)
    assert page.all("html")[0]["lang"] == "en"
    assert "<title>EchoTune</title>" in text
    assert len(page.all("main")) == len(page.all("h1")) == 1
    labelled = {each["for"] for each in page.all("label")}
    fields = [each for tag in ("input", "select") for each in page.all(tag) if "hidden" not in each]
    assert {each["id"] for each in fields} <= labelled
    ids = [each["id"] for _, each in page.tags if "id" in each]
    assert len(ids) == len({*ids})
    pointed = [
        one
        for _, each in page.tags
        for name in ("aria-labelledby", "aria-describedby")
        for one in (each.get(name) or "").split()
    ]
    assert {*pointed} <= {*ids}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"/v1/{each}") for each in ("me", "status", "events", "generations")),
        *(("GET", f"/v1/listeners/ann/{each}") for each in ("history", "clients", "feedback")),
        *(("POST", f"/v1/{each}") for each in ("feedback", "dismiss", "imports")),
        *(("POST", f"/v1/generations/{each}") for each in ("promote", "rollback")),
    ],
)
async def test_whatever_the_page_shows_needs_a_token(method: str, path: str) -> None:
    async with serving() as client:
        assert (await client.request(method, path)).status_code == 401
        wrong = await client.request(method, path, headers={"Authorization": "Token x"})
    assert wrong.status_code == 401


async def test_a_listener_sees_no_other_and_changes_no_generation() -> None:
    async with serving() as client:
        for each in ("history", "clients", "feedback"):
            answer = await client.get(f"/v1/listeners/root/{each}", headers=ANN)
            assert answer.status_code == 403
        assert (await client.get("/v1/generations", headers=ANN)).status_code == 403
        for each in ("promote", "rollback"):
            body = {"name": "second", "why": "mine"}
            answer = await client.post(f"/v1/generations/{each}", headers=ANN, json=body)
            assert answer.status_code == 403
        assert (await client.get("/v1/me", headers=ROOT)).json() == {
            "name": "root",
            "is_admin": True,
        }


@pytest.mark.parametrize(
    "body",
    [
        *([], {}, {"track_id": "t"}, {"track_id": "t", "score": 2}, {"track_id": "", "score": 1}),
        *({"track_id": "t", "score": True}, {"track_id": "\x00", "score": 1}),
        *({"track_id": 600 * "t", "score": 1}, {"track_id": 7, "score": 1}),
    ],
)
async def test_feedback_that_means_nothing_is_refused(body: Any) -> None:
    async with serving() as client:
        answer = await client.post("/v1/feedback", headers=ANN, json=body)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        *([], {}, {"track_id": ""}, {"track_id": 7}, {"track_id": "\x00"}, {"undo": True}),
        *({"track_id": "t", "undo": None}, {"track_id": "t", "undo": 1}, {"track_id": 600 * "t"}),
    ],
)
async def test_a_dismissal_that_means_nothing_is_refused(body: Any) -> None:
    async with serving() as client:
        answer = await client.post("/v1/dismiss", headers=ANN, json=body)
    assert answer.status_code == 400


async def test_who_has_many_pages_open_is_asked_to_close_one() -> None:
    console = ConsoleState()
    with ExitStack() as pages:
        for _ in range(STREAMS_OF_ONE_MAX):
            pages.enter_context(console.streams.place("ann"))
        async with serving(console) as client:
            answer = await client.get("/v1/events", headers=ANN)
        assert answer.status_code == 503
        assert console.streams.has_place("root")
    assert console.streams.has_place("ann")


async def test_a_second_import_of_a_person_has_to_wait_for_the_first() -> None:
    console = ConsoleState()
    console.importing.add("ann")
    async with serving(console) as client:
        answer = await client.post("/v1/imports?name=a.csv", headers=ANN, content=b"x")
    assert answer.status_code == 409
    assert console.importing == {"ann"}


async def test_an_upload_that_is_refused_leaves_nothing_behind() -> None:
    console = ConsoleState()
    async with serving(console) as client:
        empty = await client.post("/v1/imports", headers=ANN, content=b"")
        large = await client.post("/v1/imports", headers=ANN | {"Content-Length": "9" * 12})
    assert (empty.status_code, large.status_code) == (400, 413)
    assert not console.importing
