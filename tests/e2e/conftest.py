"""The station that several files of this folder use: each file has one of its own."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.served_station import ServedStation


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStation]:
    """One EchoTune with its HTTP service for all tests of a file: each has people of its own."""
    with closing(ServedStation(tmp_path_factory.mktemp("served") / "home", KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        station.serve()
        yield station
