"""Requests of real players, as they were recorded, against a running EchoTune.

`make test-clients DRIVERS=folder` answers each line of `vectors.jsonl` in the folder, if there is
one: an object with `client`, `method`, `path` (below the address), `headers`, and `body` (JSON, or
null for none). TOKEN, USER, PLAYLIST and MSID in them are filled in. Each has to be answered with
200 and JSON, unless it asks whether another program is here.
"""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.served_station import Person, ServedStation, listen
from tests.support.station import WAIT_S, wait_until

VECTORS = Path(os.environ["ECHOTUNE_CLIENT_VECTORS"])
OF_OTHERS = ("/apis/web/",)
"""Paths of other programs: who is answered takes this for one of them."""


def vectors() -> list[dict[str, Any]]:
    """The recorded requests."""
    return [json.loads(line) for line in VECTORS.read_text().splitlines() if line.strip()]


def named(vector: dict[str, Any]) -> str:
    """What a recorded request is called in a report."""
    kind = (vector["body"] or {}).get("listen_type", "")
    return " ".join([vector["client"], vector["method"], vector["path"], kind]).strip()


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody who has a history of recordings that MusicBrainz knows, and so a list."""
    home = tmp_path_factory.mktemp("recorded") / "home"
    with closing(ServedStation(home, KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        station.serve()
        ada = station.person("ada", "--public-reads")
        mbids = {at: f"00000000-0000-4000-9000-{at:012d}" for at in range(1, 11)}
        ada.submit(*(listen(at, recording_mbid=mbid) for at, mbid in mbids.items()))
        ada.wait_listens(len(mbids))
        wait_until(
            lambda: ada.ask("GET", "/1/cf/recommendation/user/ada/recording").status_code,
            lambda status: status == 200,
        )
        yield ada


@pytest.fixture(scope="module")
def filled(person: Person) -> dict[str, str]:
    """What the recorded requests leave open."""
    made = person.ask("GET", f"/1/user/{person.name}/playlists/createdfor").json()["playlists"]
    return {
        "TOKEN": person.token,
        "USER": person.name,
        "PLAYLIST": made[0]["playlist"]["identifier"].rpartition("/")[2],
        "MSID": person.listens()[0]["recording_msid"],
    }


@pytest.mark.parametrize("vector", vectors(), ids=named)
def test_a_recorded_request_is_answered_as_its_client_needs_it(
    person: Person, filled: dict[str, str], vector: dict[str, Any]
) -> None:
    text = json.dumps(vector)
    for name, value in filled.items():
        text = text.replace(name, value)
    asked = json.loads(text)
    body = None if asked["body"] is None else json.dumps(asked["body"]).encode()
    url = urlsplit(person.station.url)
    with closing(HTTPConnection(url.hostname or "", url.port, timeout=WAIT_S)) as connection:
        # Unlike larger libraries, this one adds no User-Agent and no Content-Type.
        connection.request(asked["method"], asked["path"], body, asked["headers"])
        answer = connection.getresponse()
        said = answer.read()
    assert answer.getheader("content-type") == "application/json", said
    if asked["path"].startswith(OF_OTHERS):
        assert not 200 <= answer.status < 300, said
    else:
        assert answer.status == 200, said
    assert isinstance(json.loads(said), dict)
