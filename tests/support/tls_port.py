"""An encrypted port in front of a server that speaks plaintext."""

import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infra.daemon import LOOPBACK

_READ_BYTES = 65_536


@contextmanager
def tls_port(server_port: int, context: ssl.SSLContext) -> Iterator[int]:
    """The port; each connection to it is one, decrypted, to `server_port`."""

    class Decrypted(socketserver.BaseRequestHandler):
        """One connection; it ends quietly when a side closes it, or refuses the certificate."""

        def handle(self) -> None:
            try:
                with (
                    context.wrap_socket(self.request, server_side=True) as outer,
                    socket.create_connection((LOOPBACK, server_port)) as inner,
                ):
                    _forward(outer, inner)
            except OSError:
                return

    with socketserver.ThreadingTCPServer((LOOPBACK, 0), Decrypted) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def _forward(outer: ssl.SSLSocket, inner: socket.socket) -> None:
    """Passes on what either side sends, until one ends."""
    other = {outer: inner, inner: outer}
    while True:
        ready = [outer] if outer.pending() else select.select([outer, inner], [], [])[0]
        for each in ready:
            data = each.recv(_READ_BYTES)
            if not data:
                return
            other[each].sendall(data)
