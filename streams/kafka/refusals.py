"""Why a cluster cannot be used, in words: a refusal that waiting does not change, or its absence.

`cluster_refusal` asks the cluster itself, because a client only says that nothing answered in time.
`refused_right` translates an error about a missing right.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException, Producer

from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import KafkaSecurity, security_of
from streams.kafka.listener_probe import TIMEOUT_S, Endpoint, Listener, listener_at
from topics.errors import RefusedError, ServerError

_LOGIN_TIMEOUT_S = 5.0
_POLL_S = 0.1
_REASON_CHARACTERS_MAX = 200
_SILENCE = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._AUTHENTICATION,
        KafkaError._RESOLVE,
        KafkaError._SSL,
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
    }
)
"""Errors that say only that nothing answered."""
_ADVERTISED = re.compile(r"(\S+)/\d+: (.*?)(?: \(after .*)?$")
"""An error of a client about a broker whose address is from the cluster: it has a number."""
_RIGHTS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "a topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "a consumer group",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "its transactional id",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "the topic that it writes to",
}
"""What a right is missing for. A producer that may not write to its topic fails with the last:
it gets no producer id (idempotence), which Kafka reports as a right on the cluster."""


def who(security: KafkaSecurity) -> str:
    """Whom the cluster takes this client for, as far as the client knows."""
    if security.sasl_username:
        return f"user {security.sasl_username}"
    if security.oauth_token is not None:
        return "the owner of the token"
    if security.ssl_certificate_location:
        return f"the owner of {security.ssl_certificate_location}"
    return "an anonymous client"


def refused_right(kafka: str, error: BaseException, name: str = "") -> RefusedError | None:
    """The missing right that `error` reports, of the topic or group `name`; None if it is another.

    Errors of Kafka's library carry a code; it is looked for in the causes of `error`, too. `kafka`
    is only for the user's name, and may be empty.
    """
    while not isinstance(error, KafkaException | KafkaError) and error.__cause__ is not None:
        error = error.__cause__
    found = error.args[0] if isinstance(error, KafkaException) and error.args else error
    if not isinstance(found, KafkaError) or found.code() not in _RIGHTS:
        return None
    what = name or _RIGHTS[found.code()]
    whom = who(security_of(kafka)) if kafka else "this client"
    return RefusedError(
        f"Kafka gives {whom} no right to use {what} ({found.name()}).",
        "Grant it: docs/security.md lists the rights (ACLs) of each role. For a producer, "
        "CLUSTER_AUTHORIZATION_FAILED means that WRITE on its topic is missing.",
    )


def cluster_refusal(kafka: str) -> RefusedError | None:
    """Why waiting for `kafka` is vain; None if it answers, or is only away."""
    security = security_of(kafka)
    reached = []
    for server in str(kafka).split(","):
        endpoint = Endpoint.parsed(server)
        listener = listener_at(endpoint, security)
        if (found := listener_refusal(endpoint, listener, security)) is not None:
            return found
        if listener.mechanisms is not None:
            reached.append(endpoint)
    return _refused_client(kafka, reached) if reached else None


def listener_refusal(
    endpoint: Endpoint, listener: Listener, security: KafkaSecurity
) -> RefusedError | None:
    """How what listens there contradicts the settings; None if it does not."""
    protocol = f"ECHOTUNE_KAFKA_SECURITY_PROTOCOL is {security.protocol}"
    if listener.speaks_tls and not security.uses_tls:
        wanted = "SASL_SSL" if security.uses_sasl else "SSL or SASL_SSL"
        return RefusedError(
            f"{endpoint} speaks TLS, but {protocol}, which is plaintext.",
            f"Set ECHOTUNE_KAFKA_SECURITY_PROTOCOL to {wanted}.",
        )
    if listener.speaks_tls is False and security.uses_tls:
        return RefusedError(
            f"{endpoint} speaks plaintext, but {protocol}, which needs TLS.",
            "Point ECHOTUNE_KAFKA at the cluster's TLS listener (often another port).",
        )
    if listener.distrust:
        return _distrusted(endpoint, listener.distrust)
    if listener.rejects_certificate:
        return RefusedError(
            f"{endpoint} does not accept this client's certificate, or asks for one "
            f"({listener.rejects_certificate}).",
            "Set ECHOTUNE_KAFKA_SSL_CERTIFICATE_LOCATION and ECHOTUNE_KAFKA_SSL_KEY_LOCATION to a "
            "certificate that an authority of the cluster has signed.",
        )
    return _sasl_refusal(endpoint, listener.mechanisms, security)


def _distrusted(endpoint: Endpoint, why: str) -> RefusedError:
    if "mismatch" in why.lower() or "not valid for" in why.lower():
        remedy = (
            "Use a name in ECHOTUNE_KAFKA that the certificate has, or set "
            "ECHOTUNE_KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM=none."
        )
    elif "expired" in why.lower() or "not yet valid" in why.lower():
        remedy = "Renew the broker's certificate, or correct this machine's clock."
    else:
        remedy = (
            "Set ECHOTUNE_KAFKA_SSL_CA_LOCATION to the certificate (PEM) of the authority that "
            "signed the broker's."
        )
    return RefusedError(f"The certificate of {endpoint} is not trusted: {why}.", remedy)


def _sasl_refusal(
    endpoint: Endpoint, mechanisms: tuple[str, ...] | None, security: KafkaSecurity
) -> RefusedError | None:
    if mechanisms is None:
        return None
    if mechanisms and not security.uses_sasl:
        wanted = "SASL_SSL" if security.uses_tls else "SASL_PLAINTEXT"
        return RefusedError(
            f"{endpoint} asks for a user (SASL, {' or '.join(mechanisms)}), but "
            f"ECHOTUNE_KAFKA_SECURITY_PROTOCOL is {security.protocol}.",
            f"Set it to {wanted}, with ECHOTUNE_KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD.",
        )
    if not mechanisms and security.uses_sasl:
        return RefusedError(
            f"{endpoint} knows no users (SASL), but ECHOTUNE_KAFKA_SECURITY_PROTOCOL is "
            f"{security.protocol}.",
            f"Set it to {'SSL' if security.uses_tls else 'PLAINTEXT'}, or use the port of the "
            "cluster's SASL listener.",
        )
    if security.uses_sasl and security.sasl_mechanism not in mechanisms:
        return RefusedError(
            f"{endpoint} does not offer {security.sasl_mechanism}.",
            f"Set ECHOTUNE_KAFKA_SASL_MECHANISM to {' or '.join(mechanisms)}.",
        )
    return None


# -- what only a client finds out ------------------------------------------------------------------


def _refused_client(kafka: str, reached: list[Endpoint]) -> RefusedError | None:
    """Whether the login fails, or the brokers that the cluster names are out of reach."""
    errors: list[KafkaError] = []
    timeouts = {"socket.connection.setup.timeout.ms": int(TIMEOUT_S * 1000)}
    producer = Producer(client_settings(kafka) | timeouts | {"error_cb": errors.append})
    deadline = time.monotonic() + _LOGIN_TIMEOUT_S
    while time.monotonic() < deadline:
        producer.poll(_POLL_S)
        for each in errors:
            if each.code() == KafkaError._AUTHENTICATION:
                return _failed_login(each, security_of(kafka))
        try:
            if producer.list_topics(timeout=_POLL_S).brokers:
                return None
        except KafkaException:
            continue
    return _out_of_reach([each.str() for each in errors], reached)


def _failed_login(error: KafkaError, security: KafkaSecurity) -> RefusedError:
    reason = error.str().rpartition("): ")[2] or error.str()
    if security.oauth_token is not None:
        return RefusedError(
            f"Kafka does not accept the bearer token: {reason[:_REASON_CHARACTERS_MAX]}",
            "Compare its audience, issuer and expiry with what the cluster expects.",
        )
    return RefusedError(
        f"Kafka does not accept the password of user {security.sasl_username} "
        f"({security.sasl_mechanism}).",
        "Correct ECHOTUNE_KAFKA_SASL_USERNAME and ECHOTUNE_KAFKA_SASL_PASSWORD (or _FILE).",
    )


def _out_of_reach(errors: list[str], reached: list[Endpoint]) -> RefusedError | None:
    """A refusal if errors name brokers by the addresses that the cluster gave (`host:port/id`)."""
    named = {found[1]: found[2] for each in errors if (found := _ADVERTISED.match(each))}
    problems = {each: why for each, why in named.items() if Endpoint.parsed(each) not in reached}
    if not problems:
        return None
    listed = "; ".join(f"{each}: {why}" for each, why in problems.items())
    return RefusedError(
        f"{reached[0]} answers, but the address that the cluster advertises for its brokers "
        f"cannot be reached from here ({listed[:_REASON_CHARACTERS_MAX]}).",
        "Correct advertised.listeners of the brokers, or use the listener that is meant for "
        "clients on this network.",
    )


def explained(kafka: str, error: BaseException, name: str = "") -> RefusedError | None:
    """The refusal behind an error of a call about the topic or group `name`; None without one."""
    if (found := refused_right(kafka, error, name)) is not None:
        return found
    if isinstance(error, KafkaException) and error.args[0].code() not in _SILENCE:
        return None
    return cluster_refusal(kafka)


@contextmanager
def refusals_in_words(kafka: str) -> Iterator[None]:
    """Raises `RefusedError` instead of an error of Kafka's that a refusal explains.

    An error that none explains is raised as it is.
    """
    try:
        yield
    except RefusedError:
        raise
    except (KafkaException, ServerError) as error:
        if (found := explained(kafka, error.__cause__ or error)) is None:
            raise
        raise found from error
