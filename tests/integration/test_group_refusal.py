"""A worker whose group the broker refuses ends with the setting that heals it."""

from tests.support.station import WAIT_S, Station


def test_a_session_timeout_that_the_broker_refuses_ends_the_worker_and_names_the_setting(
    station: Station,
) -> None:
    for kind in ("sequencer", "recommender"):
        worker = station.start(kind, ECHOTUNE_SESSION_TIMEOUT_S="5")
        assert worker.process.wait(WAIT_S) == 3, worker.text()
        assert "ECHOTUNE_SESSION_TIMEOUT_S" in worker.text()
        assert "group.min.session.timeout.ms" in worker.text()
