"""Real servers for every level that needs them: started once a run, on free loopback ports."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings

from infra.embedded_servers import Addresses, EmbeddedServers
from infra.kafka_server import VERSION
from tests.support.registry_server import VERSION as REGISTRY_VERSION
from tests.support.registry_server import RegistryServer
from tests.support.station import Station, StationHere

# Timing decides no test, and what is red is the change's fault, not chance's.
settings.register_profile("echotune", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "echotune"))

# Commands and workers that tests stop would ignore these signals if this run was started to.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler)

SHORT_LIVED_JVM = "-XX:TieredStopAtLevel=1"
"""No second compiler: it doubles the time of Kafka's start, and a test ends before it pays off."""
KAFKA_LIBS = Path(
    os.environ.get("ECHOTUNE_KAFKA_LIBS")
    or Path(__file__).parent.parent / ".echotune" / f"kafka-{VERSION}" / "libs"
)
REGISTRY_APP = KAFKA_LIBS.parent.parent / f"apicurio-registry-{REGISTRY_VERSION}"


def pytest_configure() -> None:
    """Sets the options of every JVM, also of one that a tested command starts."""
    os.environ.setdefault("JAVA_TOOL_OPTIONS", SHORT_LIVED_JVM)


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Kafka without topics, Redis and MongoDB, shared by the run: use names of your own."""
    home = tmp_path_factory.mktemp("shared-servers")
    servers = EmbeddedServers(home, kafka_libs=KAFKA_LIBS, fast_start=True)
    yield servers.up()
    servers.down()


@pytest.fixture(scope="session")
def kafka(addresses: Addresses) -> str:
    """Bootstrap servers."""
    return addresses.kafka


@pytest.fixture(scope="session")
def redis_url(addresses: Addresses) -> str:
    """URL of a Redis that other tests use, too."""
    return addresses.redis


@pytest.fixture(scope="session")
def mongo_url(addresses: Addresses) -> str:
    """URL of a MongoDB that other tests use, too; from Python 3.14 on its stand-in has no wheel."""
    if not addresses.mongo:
        pytest.skip("the MongoDB stand-in has no wheel for this Python")
    return addresses.mongo


@pytest.fixture(scope="session")
def registry_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A schema registry, shared by the run: use subjects of your own, and leave it running."""
    server = RegistryServer(REGISTRY_APP, tmp_path_factory.mktemp("registry"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """A whole EchoTune of one's own to break: Kafka with its topics, Redis; no worker yet."""
    with closing(StationHere(tmp_path / "home", KAFKA_LIBS)) as station:
        station.up()
        yield station
