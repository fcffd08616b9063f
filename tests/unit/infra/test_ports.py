"""Ports that servers are given."""

import random
import socket

import pytest

from infra import daemon
from infra.daemon import LOOPBACK, free_port
from topics.errors import ServerError


def test_a_port_is_given_once_even_if_nobody_listens_there_yet() -> None:
    ports = [free_port() for _ in range(300)]
    assert len(set(ports)) == len(ports)


def test_no_port_is_one_that_the_kernel_gives_to_clients() -> None:
    assert max(free_port() for _ in range(300)) < 32_768


def test_a_seed_of_somebody_else_does_not_decide_the_ports() -> None:
    random.seed(7)
    first = [free_port() for _ in range(3)]
    random.seed(7)
    assert [free_port() for _ in range(3)] != first


def test_the_wanted_port_is_given_while_it_is_free() -> None:
    wanted = free_port()
    assert free_port(wanted) == wanted
    with socket.socket() as taken:
        taken.bind((LOOPBACK, wanted))
        taken.listen()
        assert free_port(wanted) != wanted


def test_a_port_that_is_taken_for_something_else_is_not_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere, free = free_port(), free_port()
    monkeypatch.setattr(daemon, "_given", set())
    monkeypatch.setattr(daemon, "_PORTS", [elsewhere, free])
    monkeypatch.setattr(daemon, "_ATTEMPTS", 2)
    assert free_port(besides=elsewhere) == free


def test_without_a_free_port_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = free_port()
    monkeypatch.setattr(daemon, "_PORTS", range(taken, taken + 1))
    monkeypatch.setattr(daemon, "_ATTEMPTS", 1)
    with pytest.raises(ServerError, match="No loopback port is free"):
        free_port()
