"""Settings of authentication and encryption of Kafka, checked against each other for clients."""

from functools import partial
from pathlib import Path

from streams.kafka.cluster import KafkaSecurity, OAuthToken
from streams.kafka.oauth_tokens import (
    ClientCredentials,
    check_endpoint,
    fetched_token,
    token_in,
)
from streams.settings import Settings
from topics.errors import SettingsError

_SASL = (
    "sasl_mechanism",
    "sasl_username",
    "sasl_password",
    "sasl_oauthbearer_token_file",
    "sasl_oauthbearer_token_endpoint_url",
    "sasl_oauthbearer_client_id",
    "sasl_oauthbearer_client_secret",
)
_SSL = ("ssl_ca_location", "ssl_certificate_location", "ssl_key_location", "ssl_key_password")


def kafka_security(settings: Settings) -> KafkaSecurity:
    """How clients connect to Kafka; raises `SettingsError` if settings contradict each other."""
    security = KafkaSecurity(
        protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        sasl_username=settings.kafka_sasl_username,
        sasl_password=settings.kafka_sasl_password.get_secret_value(),
        oauth_token=_oauth_token(settings),
        ssl_ca_location=_text(settings.kafka_ssl_ca_location),
        ssl_certificate_location=_text(settings.kafka_ssl_certificate_location),
        ssl_key_location=_text(settings.kafka_ssl_key_location),
        ssl_key_password=settings.kafka_ssl_key_password.get_secret_value(),
        checks_hostname=settings.kafka_ssl_endpoint_identification_algorithm == "https",
    )
    _check_unused(settings, security)
    if security.uses_sasl:
        _check_sasl(security)
    _check_files(settings)
    return security


def _text(path: Path | None) -> str:
    return "" if path is None else str(path)


def _oauth_token(settings: Settings) -> "partial[OAuthToken] | None":
    if settings.kafka_sasl_mechanism != "OAUTHBEARER":
        return None
    if settings.kafka_sasl_oauthbearer_token_file is not None:
        return partial(token_in, settings.kafka_sasl_oauthbearer_token_file)
    if not settings.kafka_sasl_oauthbearer_token_endpoint_url:
        raise SettingsError(
            "ECHOTUNE_KAFKA_SASL_MECHANISM is OAUTHBEARER, but nothing says where tokens are.",
            "Set ECHOTUNE_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE, or _TOKEN_ENDPOINT_URL with "
            "_CLIENT_ID and _CLIENT_SECRET.",
        )
    check_endpoint(settings.kafka_sasl_oauthbearer_token_endpoint_url)
    credentials = ClientCredentials(
        settings.kafka_sasl_oauthbearer_token_endpoint_url,
        settings.kafka_sasl_oauthbearer_client_id,
        settings.kafka_sasl_oauthbearer_client_secret.get_secret_value(),
        settings.kafka_sasl_oauthbearer_scope,
        _text(settings.kafka_ssl_ca_location),
    )
    return partial(fetched_token, credentials)


def _check_unused(settings: Settings, security: KafkaSecurity) -> None:
    """What is set and would not be used is a mistake: the person believes in a security."""
    ignored = [] if security.uses_sasl else [*_SASL]
    ignored += [] if security.uses_tls else [*_SSL]
    for name in ignored:
        value = getattr(settings, f"kafka_{name}")
        if value.get_secret_value() if hasattr(value, "get_secret_value") else value:
            wanted = "SASL_SSL or SASL_PLAINTEXT" if name in _SASL else "SSL or SASL_SSL"
            raise SettingsError(
                f"ECHOTUNE_KAFKA_{name.upper()} is set, but ECHOTUNE_KAFKA_SECURITY_PROTOCOL is "
                f"{security.protocol}, which does not use it.",
                f"Set ECHOTUNE_KAFKA_SECURITY_PROTOCOL to {wanted}.",
            )


def _check_sasl(security: KafkaSecurity) -> None:
    missing = [] if security.sasl_mechanism else ["ECHOTUNE_KAFKA_SASL_MECHANISM"]
    if security.oauth_token is None:
        missing += [] if security.sasl_username else ["ECHOTUNE_KAFKA_SASL_USERNAME"]
        missing += [] if security.sasl_password else ["ECHOTUNE_KAFKA_SASL_PASSWORD"]
    if missing:
        raise SettingsError(
            f"ECHOTUNE_KAFKA_SECURITY_PROTOCOL is {security.protocol}, but "
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            "The mechanisms are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER; a password "
            "may come from the file that ECHOTUNE_KAFKA_SASL_PASSWORD_FILE names.",
        )


def _check_files(settings: Settings) -> None:
    for name in ("ssl_ca_location", "ssl_certificate_location", "ssl_key_location"):
        path: Path | None = getattr(settings, f"kafka_{name}")
        if path is None:
            continue
        try:
            path.open("rb").close()
        except OSError as error:
            raise SettingsError(
                f"ECHOTUNE_KAFKA_{name.upper()} names {path}, which cannot be read: "
                f"{error.strerror}.",
                "It names a file in PEM form that this user may read.",
            ) from error
