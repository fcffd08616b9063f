"""Ports that servers are given."""

import socket
from typing import Any, ClassVar

import pytest

from infra.daemon import free_port


class TwiceTheSame(socket.socket):
    """A kernel that offers one port twice, and then another one."""

    offers: ClassVar = [4711, 4711, 4712]

    def bind(self, address: Any) -> None: ...

    def getsockname(self) -> Any:
        return ("", self.offers.pop(0))


def test_a_port_that_is_taken_for_something_else_is_not_offered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "socket", TwiceTheSame)
    first = free_port()
    assert (first, free_port(besides=first)) == (4711, 4712)
