"""The proxy injects the network fault of each of its modes."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from infra.daemon import LOOPBACK
from tests.support.tcp_proxy import TcpProxy

SILENT_S = 0.3
RECEIVED: list[bytes] = []


class Echo(socketserver.BaseRequestHandler):
    """A server that notes and returns what it receives."""

    def handle(self) -> None:
        with suppress(ConnectionResetError):
            while data := self.request.recv(1_000):
                RECEIVED.append(data)
                self.request.sendall(data)


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    """A proxy in front of an echo server."""
    RECEIVED.clear()
    server = socketserver.ThreadingTCPServer((LOOPBACK, 0), Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with TcpProxy(server.server_address[1]) as proxy:
        yield proxy
    server.shutdown()
    server.server_close()


def connected(proxy: TcpProxy) -> socket.socket:
    """A connection through which something has passed."""
    client = socket.create_connection((LOOPBACK, proxy.port), timeout=5.0)
    try:
        assert said(client, b"hello") == b"hello"
    except OSError:
        client.close()
        raise
    client.settimeout(SILENT_S)
    return client


def said(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return client.recv(1_000)


def test_everything_passes_while_it_is_healed(proxy: TcpProxy) -> None:
    with connected(proxy) as client:
        assert said(client, b"x") == b"x"


def test_nobody_listens_while_it_refuses_and_all_is_well_afterwards(proxy: TcpProxy) -> None:
    with connected(proxy) as client:
        proxy.set("refuse")
        with pytest.raises(ConnectionResetError):
            said(client, b"x")
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.set("heal")
    connected(proxy).close()


def test_a_stalled_connection_stays_and_says_it_all_later(proxy: TcpProxy) -> None:
    with connected(proxy) as client:
        proxy.set("stall")
        with pytest.raises(TimeoutError):
            said(client, b"x")
        proxy.set("heal")
        assert client.recv(1_000) == b"x"


def test_connections_old_and_new_are_reset(proxy: TcpProxy) -> None:
    with connected(proxy) as client:
        proxy.set("reset")
        with pytest.raises(ConnectionResetError):
            said(client, b"x")
    with pytest.raises(ConnectionResetError):
        connected(proxy)


def test_replies_are_dropped_though_the_server_heard(proxy: TcpProxy) -> None:
    with connected(proxy) as client:
        proxy.set("drop_replies")
        with pytest.raises(TimeoutError):
            said(client, b"secret")
        assert b"secret" in RECEIVED


def test_one_reply_is_cut_in_its_middle(proxy: TcpProxy) -> None:
    with connected(proxy) as client:
        proxy.set("cut_reply")
        client.sendall(b"12345678")
        with suppress(ConnectionResetError):  # RST may overtake data that was sent before it
            assert client.recv(1_000) == b"1234"
        with pytest.raises(ConnectionResetError):
            said(client, b"x")
    assert proxy.cuts == 1
    connected(proxy).close()
