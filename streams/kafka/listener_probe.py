"""Asks a port of a Kafka cluster what it speaks: TLS or not, SASL or not, by which mechanisms.

Clients only report that a connection ended. This module sends the first bytes of Kafka's protocol
itself, and claims nothing without an answer that proves it: a port that is silent or closes the
connection may belong to a broker that is only starting.
"""

import socket
import ssl
import struct
from dataclasses import dataclass
from typing import NamedTuple

from streams.kafka.cluster import KafkaSecurity
from streams.kafka.tls import tls_context

TIMEOUT_S = 3.0
_SASL_HANDSHAKE, _VERSION, _CORRELATION = 17, 1, 7
_NO_SASL_HERE = 34
_ANSWER_BYTES_MAX = 64 * 1024
_CLIENT = b"echotune-probe"


class Endpoint(NamedTuple):
    """Host and port of a broker."""

    host: str
    port: int

    @classmethod
    def parsed(cls, server: str) -> "Endpoint":
        """An endpoint from `host:port`; the port is Kafka's usual one if there is none.

        >>> Endpoint.parsed("[::1]:9092"), Endpoint.parsed("broker")
        (Endpoint(host='::1', port=9092), Endpoint(host='broker', port=9092))
        """
        host, colon, port = server.strip().rpartition(":")
        if not colon or not port.isdigit():
            return cls(server.strip(), 9092)
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Listener:
    """What a port turned out to be; None means that it could not be found out."""

    unreachable: str = ""
    """Why no connection was possible; empty if there was one."""
    speaks_tls: bool | None = None
    distrust: str = ""
    """Why the broker's certificate is not trusted; empty if it is."""
    rejects_certificate: str = ""
    """How the broker ended the connection over the client's certificate, or its absence."""
    mechanisms: tuple[str, ...] | None = None
    """The SASL mechanisms that it offers; empty if it uses no SASL."""


def listener_at(endpoint: Endpoint, security: KafkaSecurity) -> Listener:
    """Finds out what listens at `endpoint`; takes a few seconds at most."""
    try:
        with _connected(endpoint):
            pass
    except OSError as error:
        return Listener(unreachable=error.strerror or str(error) or type(error).__name__)
    if not _speaks_tls(endpoint):
        mechanisms = _mechanisms(endpoint, None, security)
        return Listener(speaks_tls=None if mechanisms is None else False, mechanisms=mechanisms)
    if not security.uses_tls:
        return Listener(speaks_tls=True)
    try:
        mechanisms = _mechanisms(endpoint, tls_context(security), security)
    except ssl.SSLCertVerificationError as error:
        return Listener(speaks_tls=True, distrust=error.verify_message or str(error))
    except ssl.SSLError as error:
        alert = (error.reason or "").replace("_", " ").lower()
        return Listener(speaks_tls=True, rejects_certificate=alert if "alert" in alert else "")
    return Listener(speaks_tls=True, mechanisms=mechanisms)


def _connected(endpoint: Endpoint) -> socket.socket:
    return socket.create_connection(endpoint, timeout=TIMEOUT_S)


def _speaks_tls(endpoint: Endpoint) -> bool:
    """Whether the port answers a TLS handshake; whose certificate it shows does not matter here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with _connected(endpoint) as plain, context.wrap_socket(plain) as _:
            return True
    except ssl.SSLError as error:
        return "alert" in (error.reason or "").lower()
    except OSError:
        return False


def _mechanisms(
    endpoint: Endpoint, context: ssl.SSLContext | None, security: KafkaSecurity
) -> tuple[str, ...] | None:
    """The mechanisms in the answer to a SaslHandshake; raises `ssl.SSLError` if TLS fails."""
    try:
        with _connected(endpoint) as plain:
            if context is None:
                return _asked(plain, security)
            with context.wrap_socket(plain, server_hostname=endpoint.host) as encrypted:
                return _asked(encrypted, security)
    except ssl.SSLError:
        raise
    except (OSError, struct.error, ValueError):
        return None


def _asked(connection: socket.socket, security: KafkaSecurity) -> tuple[str, ...]:
    wanted = (security.sasl_mechanism or "PLAIN").encode()
    request = struct.pack(">hhi", _SASL_HANDSHAKE, _VERSION, _CORRELATION)
    request += _string(_CLIENT) + _string(wanted)
    connection.sendall(struct.pack(">i", len(request)) + request)
    [size] = struct.unpack(">i", _received(connection, 4))
    answer = _received(connection, size)
    correlation, error, count = struct.unpack_from(">ihi", answer)
    if correlation != _CORRELATION:
        raise ValueError("not an answer of Kafka")
    if error == _NO_SASL_HERE:
        return ()
    found, at = [], 10
    for _ in range(count):
        [length] = struct.unpack_from(">h", answer, at)
        found.append(answer[at + 2 : at + 2 + length].decode())
        at += 2 + length
    return tuple(found)


def _string(text: bytes) -> bytes:
    return struct.pack(">h", len(text)) + text


def _received(connection: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes; raises `ValueError` if the other side ends before that."""
    if not 0 <= size <= _ANSWER_BYTES_MAX:
        raise ValueError("not an answer of Kafka")
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            raise ValueError("the connection ended")
        found += part
    return found
