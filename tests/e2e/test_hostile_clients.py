"""Whatever is sent, the service answers in one form, and what is good in it is kept."""

import itertools
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from copy import deepcopy
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error

from tests.conftest import KAFKA_LIBS
from tests.support.documented_answers import CHECKS, DOCUMENT, documented
from tests.support.served_station import AT_S, Person, ServedStation, listen
from tests.support.station import REPOSITORY, WAIT_S, wait_until

EXAMPLES = 8
IDLE_CONNECTIONS = 1_000
READS_MAX = 5
REFUSED_WITHIN_S = 2.0
NAMES = ("%00", "a%2Fb", "%ff%fe", "%2e%2e", "a%0d%0aX:y", "x" * 512, "x" * 513, "%ed%a0%80", "%zz")
STRANGE = [
    *("null", '""', '"  "', '"x"', "true", "0", "-1", "1.5", "-1e308", "1e308", "1e400"),
    *("18446744073709551616", "9" * 400, "9" * 5_000, "NaN", "Infinity", '"\\u0000"', '"\\ud800"'),
    *("[]", "{}", "[null]", '{"names": "x", "self": 1}', f'"{"x" * 100_000}"', "1"),
    *(str(AT_S + 366 * 86_400), "1033430400", f'"{AT_S}"', f"{AT_S}.5"),
    *("[" * depth + "]" * depth for depth in (100, 300, 900, 5_000)),
]
"""Values that no field expects."""
LISTEN: dict[str, Any] = listen(
    *(0, "Strange"),
    duration_ms=200_000,
    duration=200.5,
    duration_played=100,
    recording_mbid="00000000-0000-4000-8000-000000000001",
    tags=["jazz"],
)
BODIES: dict[str, dict[str, Any]] = {
    "/1/submit-listens": {"listen_type": "import", "payload": [LISTEN]},
    "/1/delete-listen": {"listened_at": "x", "recording_msid": ""},
    "/1/feedback/recording-feedback": {"score": 9, "recording_mbid": "", "recording_msid": ""},
    "/1/latest-import": {"ts": AT_S},
    "/1/playing-now/delete": {"client": "x"},
    "/1/metadata/lookup": {"recordings": [{"artist_name": "A", "recording_name": "T"}]},
    "/1/metadata/recording": {"recording_mbids": ["x"], "inc": "artist"},
    "/v1/playback": {
        "state": "playing",
        "position_ms": 1,
        "at": 1_000 * AT_S,
        "rate": 1,
        "session": "s",
        "player": "p",
        "completed": False,
        "track": {"artist_name": "A", "track_name": "T", "duration_ms": 200_000},
    },
    "/v1/feedback": {"track_id": "t", "score": 9},
    "/v1/dismiss": {"track_id": "t", "undo": "no"},
    "/v1/generations/promote": {"name": "x", "why": ""},
    "/v1/continue": {
        "queue": ["t", {"artist_name": "A", "track_name": "T"}, {"identifier": ["x"]}],
        "playlist": {"playlist": {"track": [{"title": "T", "creator": "A"}]}},
        "exclude": ["t"],
        "count": 0,
        "new_share": 2,
        "utc_offset": 9_999,
        "mix": "now",
    },
}
"""What each endpoint takes; where taking it would wait for something, one part is wrong already."""


STRANGE_TEXTS = [
    *("", "%20", "-1", "%2B1", "1.5", "1e9", "9" * 400, "9" * 5_000, "NaN", "null", "true", "0x10"),
    *("%00", "%ED%A0%80", "%FF", "%zz", "%D9%A3", "1_0", "[]", "%7B%7D", "x" * 5_000, "a,b,,"),
    *(
        "00000000-0000-4000-8000-000000000001," * 3,
        "1&{name}=2",
        "1;{name}=2",
        "%26",
        "%F0%9D%92%9C",
    ),
]
"""Texts that no parameter expects; `{name}` is the parameter's name."""
_PAGE = ("count", "offset")
_WISHES = (
    *("count", "owned", "new_share", "per_artist", "exclude", "mix", "utc_offset", "unknown"),
)
QUERIES: dict[str, tuple[str, ...]] = {
    "/1/validate-token": ("token",),
    "/1/latest-import": ("user_name",),
    "/1/metadata/lookup": ("artist_name", "recording_name"),
    "/1/metadata/recording": ("recording_mbids", "inc"),
    "/1/search/users": ("search_term",),
    "/1/user/ada/listens": ("count", "min_ts", "max_ts"),
    "/1/user/ada/playlists/createdfor": _PAGE,
    "/1/cf/recommendation/user/ada/recording": _PAGE,
    "/1/feedback/user/ada/get-feedback": ("score", *_PAGE),
    "/1/feedback/user/ada/get-feedback-for-recordings": ("recording_mbids", "recording_msids"),
    "/v1/listeners/ada/history": ("count", "before"),
    "/v1/listeners/ada/recommendations": _WISHES,
    "/v1/similar/track": ("track_id", "artist_name", "track_name", "recording_mbid", *_WISHES),
    "/v1/similar/track/t": _WISHES,
    "/v1/similar/artist/A": _WISHES,
}
"""The parameters of each read."""
NO_MODEL = "the model is away, starting or busy"


def asks_the_model(path: str) -> bool:
    """Whether a model answers; here is none, so that what is right is 503 until it comes."""
    return path.startswith(("/v1/similar/", "/v1/continue")) or path.endswith("/recommendations")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStation]:
    """One EchoTune for all tests of this file."""
    home = tmp_path_factory.mktemp("hostile") / "home"
    with closing(ServedStation(home, KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.serve()
        yield station


@pytest.fixture(scope="module")
def ada(served: ServedStation) -> Person:
    """Somebody with a token."""
    return served.person("ada")


def checked(answer: httpx.Response, what: object) -> httpx.Response:
    """The answer, which has to be as documented: a success, or a refusal in the only form."""
    documented(answer)
    assert answer.status_code < 500, (what, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/json", (what, answer.text)
        assert answer.json()["code"] == answer.status_code, (what, answer.text)
        assert answer.json()["error"], what
    return answer


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The way to each part of a value, and to the value itself."""
    yield ()
    if not isinstance(value, dict | list):
        return
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield from ((key, *rest) for rest in places(part))


def changed(body: Any, place: tuple[Any, ...], text: str | None) -> bytes:
    """The body as JSON with another text at a place; without the place if it is None."""
    if not place:
        return (text or "").encode()
    found = deepcopy(body)
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    if text is None:
        del inner[place[-1]]
        return json.dumps(found).encode()
    inner[place[-1]] = "@here@"
    return json.dumps(found).replace('"@here@"', text).encode()


@pytest.mark.parametrize("path", BODIES)
def test_no_value_in_any_field_is_answered_otherwise_than_in_the_only_form(
    served: ServedStation, ada: Person, path: str
) -> None:
    headers = {"Authorization": f"Token {ada.token}"}
    with httpx.Client(base_url=served.url, headers=headers, timeout=WAIT_S) as client:
        for place, text in itertools.product(places(BODIES[path]), [*STRANGE, None]):
            answer = client.post(path, content=changed(BODIES[path], place, text))
            checked(answer, (path, place, (text or "missing")[:60]))


@pytest.mark.parametrize("path", QUERIES)
def test_no_text_in_any_parameter_is_answered_otherwise_than_in_the_only_form(
    served: ServedStation, ada: Person, path: str
) -> None:
    headers = {"Authorization": f"Token {ada.token}"}
    with httpx.Client(base_url=served.url, headers=headers, timeout=WAIT_S) as client:
        for name, text in itertools.product(QUERIES[path], STRANGE_TEXTS):
            answer = client.get(f"{path}?{name}={text.replace('{name}', name)}")
            if answer.status_code == 503 and asks_the_model(path):
                assert answer.json()["error"] == NO_MODEL
                continue
            checked(answer, (path, name, text[:60]))


def test_whatever_is_wrong_with_a_listen_its_batch_is_taken_and_can_be_read(
    served: ServedStation,
) -> None:
    bob = served.person("bob")
    good = [listen(1), listen(2, names="x", deep=json.loads("[" * 240 + "]" * 240))]
    bad = ['{"a":' * 300 + "1" + "}" * 300, '"\\ud800"', "NaN", f'"{"x" * 5_000_000}"', '"\xe9"']
    payload = ", ".join([*map(json.dumps, good), *bad, json.dumps(listen(3))])
    body = f'{{"listen_type": "import", "payload": [{payload}]}}'
    headers = {"Authorization": f"Token {bob.token}"}
    answer = httpx.post(
        f"{served.url}/1/submit-listens",
        content=body.encode("latin-1"),
        headers=headers,
        timeout=WAIT_S,
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "ok"), answer.text
    assert len(answer.json()["rejected"]) == len(bad)
    titles = [each["track_metadata"]["track_name"] for each in bob.wait_listens(3)]
    assert titles == ["Song 3", "Song 2", "Song 1"]


def test_a_name_of_any_form_is_a_name_that_nobody_has(served: ServedStation, ada: Person) -> None:
    document = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())
    of_people = [path for path in document["paths"] if "{name}" in path and "similar" not in path]
    for path, name in itertools.product(of_people, NAMES):
        answer = checked(ada.ask("GET", path.replace("{name}", name)), (path, name))
        assert answer.status_code in (400, 401, 403, 404), (path, name)


def test_a_wrong_method_is_told_which_one_is_right(served: ServedStation) -> None:
    for method, path in (("DELETE", "/1/submit-listens"), ("POST", "/1/validate-token")):
        answer = checked(httpx.request(method, served.url + path), (method, path))
        assert answer.status_code == 405
        assert answer.headers["allow"] == ("POST" if method == "DELETE" else "GET")


def test_head_is_answered_as_get_is_but_for_the_body(served: ServedStation, ada: Person) -> None:
    for path, status in (("/", 200), ("/1/validate-token", 200), ("/1/none", 404)):
        told, whole = ada.ask("HEAD", path), ada.ask("GET", path)
        assert (told.status_code, told.content) == (status, b"")
        assert told.headers["content-length"] == whole.headers["content-length"]
    assert ada.ask("HEAD", "/v1/events").status_code == 405


def test_beside_a_thousand_idle_connections_a_listen_is_taken(
    served: ServedStation, ada: Person
) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with ExitStack() as open_ones:
        for number in range(IDLE_CONNECTIONS):
            each = open_ones.enter_context(socket.create_connection((host, int(port)), WAIT_S))
            each.sendall(b"POST /1/submit-listens HTTP/1.1\r\nHost: a\r\n" if number % 2 else b"")
        assert ada.submit(listen(7)).json() == {"status": "ok"}


@pytest.fixture(scope="module")
def urls(served: ServedStation, ada: Person) -> list[str]:
    """Two more services, which allow few reads."""
    assert ada.token
    first, found = served.url, []
    for _ in range(2):
        served.serve("--port", "0", ECHOTUNE_HTTP_READS_MAX=str(READS_MAX))
        found.append(served.url)
    served.url = first
    return found


def asked(person: Person, method: str, url: str, body: Any = None) -> httpx.Response:
    """What a service at a URL answers to a person."""
    headers = {"Authorization": f"Token {person.token}"}
    return checked(
        httpx.request(method, url, headers=headers, json=body, timeout=WAIT_S), (method, url)
    )


def test_reads_are_limited_in_all_services_together_and_submissions_never(
    served: ServedStation, urls: list[str]
) -> None:
    cleo = served.person("cleo")

    def read(url: str) -> httpx.Response:
        return asked(cleo, "GET", f"{url}/1/user/cleo/listen-count")

    refused = wait_until(lambda: read(urls[0]), lambda answer: answer.status_code == 429)
    assert refused.headers["retry-after"] == refused.headers["x-ratelimit-reset-in"]
    # The next service hears of it within one of these few reads, or a window later.
    assert wait_until(lambda: read(urls[1]), lambda answer: answer.status_code == 429)
    body = {"listen_type": "single", "payload": [listen(1)]}
    for url in urls:
        answer = asked(cleo, "POST", f"{url}/1/submit-listens", body)
        assert answer.json() == {"status": "ok"}
        assert not limits_of(answer)
    allowed = wait_until(lambda: read(urls[0]), lambda answer: answer.status_code == 200)
    assert len(limits_of(allowed)) == 4


def limits_of(answer: httpx.Response) -> list[int]:
    """ListenBrainz' headers of an answer, which are integers."""
    names = [name for name in answer.headers if name.startswith("x-ratelimit")]
    return [int(answer.headers[name]) for name in names]


def test_a_revoked_token_is_refused_at_once_by_every_service(
    served: ServedStation, urls: list[str]
) -> None:
    dee = served.person("dee")
    body = {"listen_type": "single", "payload": [listen(1)]}
    for url in urls:
        assert asked(dee, "POST", f"{url}/1/submit-listens", body).status_code == 200
    [token] = json.loads(served.run("tokens", "list", "dee", "--json").stdout)
    assert served.run("tokens", "revoke", token["id"]).returncode == 0
    revoked_at = time.monotonic()
    for url in urls:
        wait_refused(dee, f"{url}/1/submit-listens", body)
    assert time.monotonic() - revoked_at < REFUSED_WITHIN_S


def wait_refused(person: Person, url: str, body: Any) -> None:
    wait_until(lambda: asked(person, "POST", url, body).status_code, lambda code: code == 401)


SCHEMA = DOCUMENT.exclude(
    path=["/v1/events", "/v1/imports"]  # their answers are streams
)


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[*HealthCheck],
)
def test_the_service_does_as_its_document_says(
    case: schemathesis.Case, served: ServedStation, ada: Person
) -> None:
    headers = {"Authorization": f"Token {ada.token}"}
    answer = case.call(base_url=served.url, headers=headers, timeout=WAIT_S)
    is_alone = NO_MODEL.encode() in answer.content  # no recommender runs here
    case.validate_response(answer, checks=CHECKS if is_alone else [*CHECKS, not_a_server_error])
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/json"]
        assert json.loads(answer.content)["code"] == answer.status_code
