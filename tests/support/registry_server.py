"""A real schema registry: Apicurio, downloaded once by Maven, started on a free loopback port."""

import contextlib
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from infra.daemon import LOOPBACK, Daemon, free_port, spawn
from infra.kafka_server import java, program, run

VERSION = "3.0.9"
"""The last version for Java 17."""
READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 10.0
_ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
_POLL_S = 0.1


def ensure_registry(folder: Path) -> None:
    """Installs Apicurio into `folder` atomically, also if several processes do so concurrently."""
    if folder.is_dir():
        return
    maven = program("mvn", "Install Maven (Debian: apt-get install maven).")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as part:
        copy = [
            maven,
            "-q",
            "-B",
            "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy",
            f"-Dartifact={_ARTIFACT}",
        ]
        command = [*copy, f"-DoutputDirectory={part}"]
        run(command, Path(part), "Maven could not bring Apicurio", "Is the network there?")
        [archive] = Path(part).glob("*.tar.gz")
        with tarfile.open(archive) as content:
            content.extractall(Path(part) / "app", filter="data")
        with contextlib.suppress(OSError):  # another process was faster
            (Path(part) / "app").rename(folder)


class RegistryServer:
    """One registry whose schemas are under `folder` and survive its restart; its port stays."""

    def __init__(self, app: Path, folder: Path) -> None:
        ensure_registry(app)
        self._app = app
        self._folder = folder.absolute()
        self._log = self._folder / "registry.log"
        self.port = free_port()
        self._daemon: Daemon | None = None

    @property
    def url(self) -> str:
        """URL of its Confluent-compatible interface."""
        return f"http://{LOOPBACK}:{self.port}/apis/ccompat/v7"

    def start(self) -> None:
        """Starts the registry and waits until it answers."""
        store = f"jdbc:h2:file:{self._folder / 'schemas'};WRITE_DELAY=0"
        self._daemon = spawn(
            [
                *(java(), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                f"-Dquarkus.http.host={LOOPBACK}",
                f"-Dquarkus.http.port={self.port}",
                f"-Dapicurio.datasource.url={store}",
                *("-jar", str(self._app / f"apicurio-registry-app-{VERSION}-runner.jar")),
            ],
            port=self.port,
            log=self._log,
        )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._answers():
            assert self._daemon.is_alive(), self._log.read_text()[-2_000:]
            assert time.monotonic() < deadline, self._log.read_text()[-2_000:]
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=5.0) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def stop(self) -> None:
        """Stops the registry if it runs."""
        if self._daemon is not None:
            self._daemon.stop(STOP_TIMEOUT_S)
