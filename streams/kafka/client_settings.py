"""Settings of every Kafka client outside of Faust; `faust_credentials` has those of Faust."""

import time
from collections.abc import Callable
from typing import Any

from streams.kafka.cluster import KafkaSecurity, OAuthToken, prefixed, security_of

_CRITICAL = 2
_RECONNECT_MAX_MS = 2_000
_ANSWER_MAX_MS = 20_000
"""Time after which a connection without a response is closed, ms."""


def client_settings(kafka: str) -> dict[str, Any]:
    """Settings for librdkafka. It logs nothing: each caller reports that Kafka is unavailable.

    Raises `ServerError` if there is no bearer token where one is needed.

    Without `metadata.recovery.strategy=none` it would drop its broker and bootstrap again while no
    broker answers, and a transactional producer waits for the dropped one for ever (librdkafka
    2.16.0, issue 5511).
    """
    return {
        "bootstrap.servers": str(kafka),
        "log_level": _CRITICAL,
        "metadata.recovery.strategy": "none",
        "reconnect.backoff.max.ms": _RECONNECT_MAX_MS,
        "socket.timeout.ms": _ANSWER_MAX_MS,
        **_security_settings(security_of(kafka)),
    }


def reader_settings(kafka: str, group: str) -> dict[str, Any]:
    """Settings for a consumer without a group: it commits nothing, and reports partition ends.

    An offset that the partition does not have is an error, and is never reset. `group` is only a
    name for the broker's log: the consumer does not join a group.
    """
    return client_settings(kafka) | {
        "group.id": prefixed(kafka, group),
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
    }


def _security_settings(security: KafkaSecurity) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if security.protocol != "PLAINTEXT":
        settings["security.protocol"] = security.protocol
    if security.uses_tls:
        settings |= _tls_settings(security)
    if security.uses_sasl:
        settings |= _sasl_settings(security)
    return settings


def _tls_settings(security: KafkaSecurity) -> dict[str, Any]:
    files = {
        "ssl.ca.location": security.ssl_ca_location,
        "ssl.certificate.location": security.ssl_certificate_location,
        "ssl.key.location": security.ssl_key_location,
        "ssl.key.password": security.ssl_key_password,
    }
    checked = "https" if security.checks_hostname else "none"
    given = {name: value for name, value in files.items() if value}
    return given | {"ssl.endpoint.identification.algorithm": checked}


def _token_callback(fetch: Callable[[], OAuthToken]) -> Callable[[str], tuple[str, float]]:
    """Gives tokens to librdkafka; the first one is fetched here, which raises what `fetch` does.

    Of an error in a callback librdkafka only says, after ten seconds, that no token came.
    """
    first = [fetch()]

    def token(_: str) -> tuple[str, float]:
        found = first.pop() if first else None
        is_valid = found is not None and found.expires_at_s > time.time()
        text, expires_at_s = found if found is not None and is_valid else fetch()
        return text, expires_at_s

    return token


def _sasl_settings(security: KafkaSecurity) -> dict[str, Any]:
    fetch = security.oauth_token
    if fetch is not None:
        return {"sasl.mechanism": security.sasl_mechanism, "oauth_cb": _token_callback(fetch)}
    return {
        "sasl.mechanism": security.sasl_mechanism,
        "sasl.username": security.sasl_username,
        "sasl.password": security.sasl_password,
    }
