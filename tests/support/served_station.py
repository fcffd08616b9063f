"""A complete EchoTune with its HTTP service, for tests that speak to it as players do."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from infra.embedded_servers import EmbeddedServers
from tests.support.documented_answers import documented
from tests.support.station import REPOSITORY, WAIT_S, Station, StationHere, Worker, wait_until

AT_S = int(time.time()) - 20_000
"""When the first made-up listen was."""


class Serving(Station):
    """A station that may start an HTTP service."""

    url = ""

    def serve(self, *options: str, **environment: str) -> Worker:
        """Starts an HTTP service, and waits until it answers."""
        log = self.home / "logs" / f"http-{len(self.workers)}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "serve", *options],
                cwd=REPOSITORY,
                env={**os.environ, "ECHOTUNE_HOME": str(self.home), **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.workers.append(Worker(process, log))
        serving = wait_until(log.read_text, lambda text: "serving at " in text)
        self.url = serving.partition("serving at ")[2].partition(";")[0]
        wait_until(self._answers, bool)
        return self.workers[-1]

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/1/nothing", timeout=5.0).status_code == 404
        except httpx.TransportError:
            return False

    def person(self, name: str, *options: str) -> "Person":
        """A new person with a token."""
        added = self.run("people", "add", name, *options)
        assert added.returncode == 0, added.stderr
        token = json.loads(self.run("tokens", "create", name, "--json").stdout)["token"]
        return Person(self, name, token)


class ServedStation(Serving, StationHere):
    """A station with MongoDB, a sequencer, a recommender and one HTTP service."""

    def __init__(self, home: Path, kafka_libs: Path, *, is_hasty: bool = True) -> None:
        super().__init__(home, kafka_libs, is_hasty=is_hasty)
        self.servers = EmbeddedServers(home, kafka_libs=kafka_libs, fast_start=is_hasty)


class Person:
    """Somebody who asks over HTTP."""

    def __init__(self, station: Serving, name: str, token: str) -> None:
        self.station = station
        self.name = name
        self.token = token

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Asks with the token; a `body` goes as JSON. The answer is as the document says."""
        headers = {"Authorization": f"Token {self.token}", **more.pop("headers", {})}
        answer = httpx.request(
            *(method, self.station.url + path),
            headers=headers,
            json=body,
            timeout=WAIT_S,
            **more,
        )
        return documented(answer)

    def submit(self, *listens: dict[str, Any], listen_type: str = "import") -> httpx.Response:
        """Submits listens."""
        body = {"listen_type": listen_type, "payload": [*listens]}
        return self.ask("POST", "/1/submit-listens", body)

    def listens(self, **query: Any) -> list[dict[str, Any]]:
        """The person's listens, newest first."""
        answer = self.ask("GET", f"/1/user/{self.name}/listens", params={"count": 1000, **query})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["payload"]["listens"])

    def wait_listens(self, count: int) -> list[dict[str, Any]]:
        """Waits until there are exactly `count` listens."""
        return wait_until(self.listens, lambda found: len(found) == count)


def listen(at: int, track: str = "", artist: str = "Echo Artist", **info: Any) -> dict[str, Any]:
    """A listen, `at` minutes after the first one."""
    return {
        "listened_at": AT_S + 60 * at,
        "track_metadata": {
            "artist_name": artist,
            "track_name": track or f"Song {at}",
            "additional_info": {"submission_client": "test player", **info},
        },
    }
