"""The TLS context of clients that take one: whom they trust, and their own certificate."""

import ssl

from streams.kafka.cluster import KafkaSecurity
from topics.errors import SettingsError


def tls_context(security: KafkaSecurity) -> ssl.SSLContext:
    """The trust and the client's certificate; raises `SettingsError` for files that are none."""
    try:
        context = ssl.create_default_context(cafile=security.ssl_ca_location or None)
        context.check_hostname = security.checks_hostname
        if security.ssl_certificate_location:
            context.load_cert_chain(
                security.ssl_certificate_location,
                security.ssl_key_location or None,
                lambda: security.ssl_key_password,
            )
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The certificates for Kafka cannot be used: {error}.",
            "ECHOTUNE_KAFKA_SSL_CA_LOCATION, _CERTIFICATE_LOCATION and _KEY_LOCATION name files "
            "in PEM form; a key with a password needs ECHOTUNE_KAFKA_SSL_KEY_PASSWORD.",
        ) from error
    return context
