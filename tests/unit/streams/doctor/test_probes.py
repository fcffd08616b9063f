"""Servers are probed in parallel. A probe that hangs is abandoned; its answers so far count."""

import threading

import pytest

from streams.doctor.probes import Probe, run_probes


def test_a_hanging_server_is_named_with_its_last_question_and_the_others_answer() -> None:
    never = threading.Event()

    def hangs(probe: Probe) -> None:
        probe.question, probe.found["status"] = "heartbeats", {"lag": 0}
        never.wait()
        probe.found["log_end"] = 10

    def answers(probe: Probe) -> None:
        probe.found["redis"] = "fine"

    probes = run_probes({"kafka": hangs, "redis": answers}, 0.2)
    never.set()
    assert (probes["redis"].found, probes["redis"].problem) == ({"redis": "fine"}, None)
    assert (probes["kafka"].found, probes["kafka"].is_over) == ({"status": {"lag": 0}}, False)
    assert "heartbeats" in str(probes["kafka"].problem)


def test_servers_are_probed_in_parallel() -> None:
    both = threading.Barrier(2)
    probes = run_probes(dict.fromkeys("ab", lambda _: both.wait(10.0) and None), 20.0)
    assert all(each.is_over for each in probes.values())


def test_an_unexpected_error_of_a_probe_is_raised() -> None:
    def fails(_: Probe) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_probes({"kafka": fails}, 10.0)
