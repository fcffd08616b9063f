"""A whole EchoTune on a Kafka with TLS, SCRAM and the smallest rights of each role."""

import subprocess
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from infra.embedded_servers import EmbeddedServers
from streams.addresses import Addresses, addresses_of
from streams.settings import Settings
from tests.support.secure_kafka import SecureKafka, password_of
from tests.support.served_station import Serving
from tests.support.station import REPOSITORY, Worker

Right = tuple[str, str, str]
"""TOPIC, GROUP or TRANSACTIONAL_ID; a name (or prefix*); an operation."""


RIGHTS = [
    line.strip("| ").split(" | ")
    for line in (REPOSITORY / "docs" / "security.md").read_text().splitlines()
    if line.startswith("| ") and (" TOPIC " in line or " GROUP " in line or "_ID " in line)
]
"""The smallest rights of each role, as operators read them: role, resource, names, operations."""


def rights_of_roles(prefix: str = "") -> dict[str, list[Right]]:
    """The rights of each role, for an installation whose names begin with `prefix`."""
    rights: dict[str, list[Right]] = {}
    for role, kind, names, operations in RIGHTS:
        rights.setdefault(role, []).extend(
            (kind, prefix + name, operation)
            for name in names.split(", ")
            for operation in operations.split(", ")
        )
    return rights


class SecureStation(Serving):
    """A station whose every process is a user of its own; commands run as `reader`."""

    def __init__(self, home: Path, kafka_libs: Path, *, prefix: str = "") -> None:
        super().__init__(home, kafka_libs)
        self.rights = rights_of_roles(prefix)
        self.servers = EmbeddedServers(home, want=("redis", "mongo"))
        self.kafka = SecureKafka(
            home / "secure-kafka", kafka_libs, [*self.rights, "halfway", "mute"]
        )
        self.environment |= {"ECHOTUNE_PREFIX": prefix} if prefix else {}

    def up(self) -> Addresses:
        """Starts the servers; grants the rights, and creates the topics as an operator."""
        self.servers.up()
        self.kafka.up()
        self.environment |= self.kafka.environment("reader")
        self.kafka.allow(self.rights)
        done = self.run_as("operator", "topics", "apply")
        assert done.returncode == 0, done.stderr
        return self.addresses

    @property
    def settings(self) -> Settings:
        """The settings of the user `reader`, without the environment of this process."""
        secret = SecretStr(password_of("reader"))
        return super().settings.model_copy(update={"kafka_sasl_password": secret})

    @property
    def addresses(self) -> Addresses:
        """Addresses, as the user `reader` sees them."""
        return addresses_of(self.settings)

    def start(self, kind: str, **environment: str) -> Worker:
        """Starts a worker as the user of its kind, unless `environment` has another."""
        return super().start(kind, **(self.kafka.environment(kind) | environment))

    def serve(self, *options: str, **environment: str) -> Worker:
        """Starts an HTTP service as the user `service`, and waits until it answers."""
        given = self.environment | self.kafka.environment("service") | environment
        return super().serve(*options, **given)

    def run_as(self, user: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command as a user."""
        return self.run(*arguments, **self.kafka.environment(user))

    def json_as(self, user: str, *arguments: str) -> dict[str, Any]:
        """The output of a command with `--json`, as a user."""
        return self.json(*arguments, **self.kafka.environment(user))

    def close(self) -> None:
        """Stops all processes."""
        super().close()
        self.kafka.down()
