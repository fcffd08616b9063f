"""Looks at servers side by side: whoever hangs is left behind, and what it said counts."""

import threading

import pytest

from streams.doctor.probes import Probe, looked


def test_what_hangs_is_named_with_what_it_was_asked_and_the_others_are_heard() -> None:
    never = threading.Event()

    def hangs(look: Probe) -> None:
        look.asked, look.found["status"] = "heartbeats", {"lag": 0}
        never.wait()
        look.found["log_end"] = 10

    def answers(look: Probe) -> None:
        look.found["redis"] = "fine"

    looks = looked({"kafka": hangs, "redis": answers}, 0.2)
    never.set()
    assert (looks["redis"].found, looks["redis"].away) == ({"redis": "fine"}, None)
    assert (looks["kafka"].found, looks["kafka"].is_over) == ({"status": {"lag": 0}}, False)
    assert "heartbeats" in str(looks["kafka"].away)


def test_servers_are_asked_side_by_side() -> None:
    both = threading.Barrier(2)
    looks = looked(dict.fromkeys("ab", lambda _: both.wait(10.0) and None), 20.0)
    assert all(each.is_over for each in looks.values())


def test_what_nobody_understands_is_raised() -> None:
    def fails(_: Probe) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        looked({"kafka": fails}, 10.0)
