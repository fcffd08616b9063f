"""The embedded Kafka: Apache's own jars from Maven Central, KRaft, one node, loopback only."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from infra.daemon import LOOPBACK, Daemon, free_port, last_lines, spawn, wait_ready
from infra.preflight import java_problems, remedy
from topics.errors import ServerError

VERSION = "4.3.1"
READY_TIMEOUT_S = 90.0
_POM_FOLDER = Path(__file__).parent / "kafka"
_BYTES_MAX = 9 * 1024 * 1024
_HEAP_MIB = 512
_SETTINGS, _DATA, _LOG4J = "server.properties", "data", "log4j2.properties"
"""Files in Kafka's folder. Their names are relative, because Kafka splits paths at commas."""
_UTF8 = {"LC_ALL": "C.UTF-8"}
"""Without it, Java cannot open files whose names are not ASCII where the locale is C."""

_SHORT_LIVED = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Options of a JVM that ends before its second compiler has paid off."""

Say = Callable[[str], None]


def ensure_jars(libs: Path, say: Say) -> None:
    """Downloads the jars into `libs` atomically; several processes may do it concurrently."""
    if libs.is_dir():
        return
    maven = program("mvn", remedy("maven"))
    say(f"downloading Kafka {VERSION} (46 jars, 44 MB, once) ...")
    libs.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=libs.parent) as folder:
        part = Path(folder) / "libs"
        shutil.copyfile(_POM_FOLDER / "pom.xml", Path(folder) / "pom.xml")
        run(
            [
                *(maven, "-q", "-B", "dependency:copy-dependencies"),
                *(f"-DoutputDirectory={part}", "-DincludeScope=runtime"),
            ],
            Path(folder),
            "Maven could not bring Kafka's jars",
            "Is the network there? Try again.",
        )
        with contextlib.suppress(OSError):  # another process was faster
            part.rename(libs)


def run(command: list[str], folder: Path, what: str, remedy: str) -> None:
    """Runs a program to its end; raises `ServerError` with its last lines if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | _UTF8,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise ServerError(f"{what}:\n{last_lines(done.stdout + done.stderr)}", remedy)


def program(name: str, remedy: str) -> str:
    """Path of a program; raises `ServerError` if it is not on the PATH."""
    found = shutil.which(name)
    if found is None:
        raise ServerError(f"{name} is not on the PATH.", remedy)
    return found


def java() -> str:
    """Path of Java, new enough for Kafka; raises `ServerError` if there is none."""
    for problem in java_problems():
        raise ServerError(problem.message, problem.remedy)
    return str(shutil.which("java"))


class KafkaServer:
    """One Kafka node whose data and settings are in `folder`."""

    name = "kafka"

    def __init__(self, folder: Path, libs: Path, log: Path, *, fast_start: bool = False) -> None:
        self._folder = folder
        self._libs = libs
        self._log = log
        self._fast_start = fast_start

    @staticmethod
    def address(port: int) -> str:
        """Bootstrap servers."""
        return f"{LOOPBACK}:{port}"

    def start(self, port: int, say: Say, lock: int | None = None) -> Daemon:
        """Starts Kafka on `port` without waiting for it; formats the storage the first time."""
        ensure_jars(self._libs, say)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._copy_log4j()
        settings = self._folder / _SETTINGS
        settings.write_text(self._properties(port, free_port(besides=port)))
        if not (self._folder / _DATA / "meta.properties").exists():
            self._format()
        return spawn(
            [*self._java(*self._options()), "kafka.Kafka", _SETTINGS],
            port=port,
            log=self._log,
            environment=_UTF8,
            folder=self._folder,
            lock=lock,
        )

    def _copy_log4j(self) -> None:
        """Copies the text only: a copy that is as read-only as its source cannot be replaced."""
        copy = self._folder / _LOG4J
        copy.unlink(missing_ok=True)
        shutil.copyfile(_POM_FOLDER / _LOG4J, copy)

    def wait_ready(self, daemon: Daemon) -> None:
        """Waits until Kafka answers; raises `ServerError` if it never does."""
        wait_ready(daemon, "Kafka", self._log, READY_TIMEOUT_S)

    def _options(self) -> list[str]:
        compilers = _SHORT_LIVED if self._fast_start else ("-XX:+UseSerialGC",)
        log4j = f"-Dlog4j2.configurationFile={_LOG4J}"
        return [f"-Xms{_HEAP_MIB}m", f"-Xmx{_HEAP_MIB}m", *compilers, log4j]

    def _java(self, *options: str) -> list[str]:
        libs = os.path.relpath(self._libs, self._folder)
        if os.pathsep in libs:
            raise ServerError(
                f"Java cannot find Kafka in {self._libs}: a path must not have a {os.pathsep!r}.",
                "Set ECHOTUNE_KAFKA_LIBS to another folder, or move this one.",
            )
        return [java(), *options, "-cp", f"{libs}/*"]

    def _format(self) -> None:
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = [*self._java(*_SHORT_LIVED), "kafka.tools.StorageTool"]
        run(
            [
                *(*tool, "format", f"--cluster-id={cluster_id}", "-c", _SETTINGS),
                *self._format_options(),
            ],
            self._folder,
            "Kafka's storage could not be formatted",
            f"Is there room in {self._folder}?",
        )

    def _format_options(self) -> list[str]:
        """More options of the storage tool; a server with users has some."""
        return []

    def _properties(self, port: int, controller_port: int) -> str:
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
            "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": _DATA,
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "auto.create.topics.enable": "false",
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "message.max.bytes": str(_BYTES_MAX),
            "replica.fetch.max.bytes": str(_BYTES_MAX),
        }
        return "".join(f"{name}={value}\n" for name, value in lines.items())
