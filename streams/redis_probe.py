"""Asks a port of Redis whether it speaks TLS, where the client only says that nothing came of it.

It claims nothing without an answer that proves it.
"""

import asyncio
import ssl

SPEAKS_TLS, SPEAKS_PLAINTEXT = "the port speaks TLS", "the port speaks plaintext"
"""What is found; `redis_refusals` has the words for people."""
_TIMEOUT_S = 1.0
_ANSWER_BYTES = 64


async def contradiction(host: str, port: int, *, uses_tls: bool) -> str:
    """How what listens there contradicts the address; empty if it does not, or says nothing."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            if uses_tls:
                return SPEAKS_PLAINTEXT if await _speaks_plaintext(host, port) else ""
            return SPEAKS_TLS if await _speaks_tls(host, port) else ""
    except (OSError, TimeoutError):
        return ""


async def _speaks_plaintext(host: str, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"PING\r\n")
        return (await reader.read(_ANSWER_BYTES)).startswith((b"+PONG", b"-NOAUTH", b"-DENIED"))
    finally:
        writer.transport.abort()


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as error:
        return "ALERT" in str(error)  # such as: it wants a certificate of the client
    writer.transport.abort()  # nobody waits for the end of the connection
    return True
