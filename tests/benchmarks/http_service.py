"""The HTTP service under load: single listens, batches, lists, and from a listen to its list.

Everything runs beside it on the same machine: the servers, a sequencer, a recommender, and the
program that asks. The peer is Maloja (from PyPI, in an environment of its own), which takes the
same single listens and writes them to SQLite.
"""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import orjson
from redis import Redis

from infra.daemon import free_port
from streams.lists.redis_lists import list_key
from tests.benchmarks.figures import Figure
from tests.benchmarks.http_load import Answers, as_fast_as_answered, at_a_rate, request
from tests.support.served_station import AT_S, Person, ServedStation
from tests.support.station import wait_until

PEOPLE = 20
TRACKS = 5_000
SECONDS = 20.0
WARM_UP_S = 30.0
"""After so long, the broker no longer spends most of its time on compiling itself."""
RATE_PER_S = 1_000.0
BATCH = 1_000
PROBES = 100
MALOJA = "malojaserver==3.2.3"
_LOOK_EVERY_S = 0.001
_REST_S = 2.0
"""How long nothing is asked before listens are followed one by one."""


def http_service(kafka_libs: Path, folder: Path) -> list[Figure]:
    """Requests a second and times of answers in ms."""
    station = ServedStation(folder / "http", kafka_libs, is_hasty=False)
    try:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        station.serve()
        people = [station.person(f"person-{at}") for at in range(PEOPLE)]
        port = int(station.url.rpartition(":")[2])
        listens = _listens(people)
        as_fast_as_answered(port, listens, WARM_UP_S)
        wait_until(station.status, lambda found: found["lag"]["events"] == 0)
        lists = at_a_rate(port, _reads(people), SECONDS, RATE_PER_S)
        fresh = _from_listen_to_list(station, people[0])
        single = as_fast_as_answered(port, listens, SECONDS)
        steady = at_a_rate(port, listens, SECONDS, RATE_PER_S)
        batches = as_fast_as_answered(port, _batches(people), SECONDS)
    finally:
        station.close()
    peer = _maloja(folder)
    return [
        *_figures("a single listen", single, "≥ 1,000/s", peer),
        *_figures(f"a single listen at {RATE_PER_S:,.0f}/s", steady, "p99 < 50 ms"),
        Figure("listens in batches", batches.per_second * BATCH, "/s", goal="≥ 20,000/s"),
        *_figures(f"a list read at {RATE_PER_S:,.0f}/s", lists, "p99 < 10 ms"),
        Figure(
            "from a listen to its list, p50", float(np.percentile(fresh, 50)), "ms", goal="< 40"
        ),
        Figure("from a listen to its list, p99", float(np.percentile(fresh, 99)), "ms"),
        Figure(
            "requests that failed",
            float(sum(each.failed for each in (single, steady, batches, lists))),
            "",
            goal="0",
        ),
    ]


def _figures(what: str, found: Answers, goal: str, peer: Answers | None = None) -> list[Figure]:
    beside = [None, None, None] if peer is None else [peer.per_second, *_percentiles(peer)]
    name = "" if peer is None else "Maloja"
    values = [found.per_second, *_percentiles(found)]
    said = zip((", a second", ", p50", ", p99"), ("/s", "ms", "ms"), values, beside, strict=True)
    return [
        Figure(f"{what}{which}", value, unit, name, other, goal)
        for which, unit, value, other in said
    ]


def _percentiles(found: Answers) -> list[float]:
    return [found.percentile_ms(50), found.percentile_ms(99)]


def _listen(at: int) -> dict[str, object]:
    """The listen number `at`; no two are the same."""
    track = at * 7_919 % TRACKS
    names = {"artist_name": f"Artist {track % 400}", "track_name": f"Song {track}"}
    more = {"submission_client": "benchmark", "duration_ms": 200_000}
    return {"listened_at": AT_S + at, "track_metadata": {**names, "additional_info": more}}


def _submission(kind: str, *listens: dict[str, object]) -> bytes:
    return orjson.dumps({"listen_type": kind, "payload": listens})


def _listens(people: list[Person]) -> Iterator[bytes]:
    """Single listens of each person in turn."""
    for at in itertools.count():
        token, body = people[at % len(people)].token, _submission("single", _listen(at // PEOPLE))
        yield request("POST", "/1/submit-listens", token, body)


def _batches(people: list[Person]) -> Iterator[bytes]:
    """Batches of each person in turn, long before their single listens."""
    for at in itertools.count():
        first = -10_000_000 + at // PEOPLE * BATCH
        body = _submission("import", *(_listen(first + each) for each in range(BATCH)))
        yield request("POST", "/1/submit-listens", people[at % len(people)].token, body)


def _reads(people: list[Person]) -> Iterator[bytes]:
    for each in itertools.cycle(people):
        yield request("GET", f"/v1/listeners/{each.name}/recommendations", each.token)


def _from_listen_to_list(station: ServedStation, person: Person) -> list[float]:
    """How long it takes from the request to the newer list in Redis, in ms, one after another."""
    key, took_ms = list_key("first", person.name), []
    headers = {"Authorization": f"Token {person.token}"}
    with (
        Redis.from_url(station.addresses.redis) as redis,
        httpx.Client(base_url=station.url, headers=headers) as client,
    ):
        wait_until(lambda: redis.hget(key, "as_of"), lambda found: found is not None)
        time.sleep(_REST_S)
        for at in range(PROBES):
            before, began = redis.hget(key, "as_of"), time.perf_counter()
            body = _submission(
                "single", _listen(1_000_000 + at) | {"listened_at": int(time.time())}
            )
            assert client.post("/1/submit-listens", content=body).status_code == 200
            while redis.hget(key, "as_of") == before:
                time.sleep(_LOOK_EVERY_S)
            took_ms.append((time.perf_counter() - began) * 1_000)
            time.sleep(1.0 - time.time() % 1.0)  # listens of one person are seconds apart
    return took_ms


def _maloja(folder: Path) -> Answers:
    with maloja_server(folder) as (port, token):
        bodies = (_submission("single", _listen(at)) for at in itertools.count())
        path = "/apis/listenbrainz/1/submit-listens"
        asked = (request("POST", path, token, body) for body in bodies)
        as_fast_as_answered(port, asked, WARM_UP_S)
        return as_fast_as_answered(port, asked, SECONDS)


@contextmanager
def maloja_server(folder: Path) -> Iterator[tuple[int, str]]:
    """Installs Maloja and runs it; yields its port and a token."""
    python, home, port = folder / "maloja" / "bin", folder / "maloja-home", free_port()
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", folder / "maloja"], check=True)
    subprocess.run([python / "pip", "install", "--quiet", MALOJA], check=True)
    settings = {
        "MALOJA_DATA_DIRECTORY": str(home),
        "MALOJA_SKIP_SETUP": "yes",
        "MALOJA_HOST": "127.0.0.1",
        "MALOJA_PORT": str(port),
        "MALOJA_LOGGING": "no",
        "MALOJA_FORCE_PASSWORD": "benchmark",
    }
    server = subprocess.Popen(
        [python / "maloja", "run"],
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port, _maloja_token(home, port)
    finally:
        server.terminate()
        server.wait()


def _maloja_token(home: Path, port: int) -> str:
    """Waits until Maloja answers, and reads the key that it made at its first start."""

    def answers() -> bool:
        try:
            url = f"http://127.0.0.1:{port}/apis/listenbrainz/1/validate-token"
            return httpx.get(url).status_code == 401
        except httpx.TransportError:
            return False

    wait_until(answers, bool)
    [keys] = home.rglob("apikeys.yml")
    return keys.read_text().partition("default:")[2].split()[0]
