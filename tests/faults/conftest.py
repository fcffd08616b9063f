"""Real servers for fault injection. Tests marked `fault` take minutes: see `make test-faults`."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.fault_station import FaultStation, ProxiedStation
from tests.support.tcp_proxy import TcpProxy

LONG = {"fault", "soak"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skips tests that take minutes, unless `-m` requests them."""
    if config.option.markexpr:
        return
    left_out = [each for each in items if LONG & {mark.name for mark in each.iter_markers()}]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [each for each in items if each not in left_out]


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[FaultStation]:
    """A station for one fault test; its journal is printed if the test fails."""
    with closing(FaultStation(tmp_path / "home", KAFKA_LIBS)) as station:
        station.up()
        yield station
        print(station.journal.text())


@pytest.fixture
def kafka_proxy() -> Iterator[TcpProxy]:
    """The proxy between workers and Kafka."""
    with TcpProxy() as proxy:
        yield proxy


@pytest.fixture
def redis_proxy() -> Iterator[TcpProxy]:
    """The proxy between workers and Redis."""
    with TcpProxy() as proxy:
        yield proxy


@pytest.fixture
def proxied(
    tmp_path: Path, kafka_proxy: TcpProxy, redis_proxy: TcpProxy
) -> Iterator[ProxiedStation]:
    """A station whose workers connect to their servers through proxies."""
    home = tmp_path / "home"
    with closing(ProxiedStation(home, KAFKA_LIBS, kafka_proxy, redis_proxy)) as station:
        station.up()
        yield station
        print(station.journal.text())
