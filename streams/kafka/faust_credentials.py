"""What `client_settings` is for librdkafka, for Faust and aiokafka: how they connect."""

import asyncio

import faust
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError
from faust.auth import OAuthCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from streams.kafka.cluster import KafkaSecurity, security_of
from streams.kafka.tls import tls_context
from topics.errors import EchoTuneError


def broker_credentials(kafka: str) -> CredentialsT | None:
    """Credentials for a Faust app; None for a cluster in plaintext."""
    security = security_of(kafka)
    context = tls_context(security) if security.uses_tls else None
    if security.oauth_token is not None:
        return OAuthCredentials(oauth_cb=_TokenProvider(security), ssl_context=context)
    if security.uses_sasl:
        return faust.SASLCredentials(
            username=security.sasl_username,
            password=security.sasl_password,
            mechanism=security.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None


class _TokenProvider(AbstractTokenProvider):
    """Fetches a token in a thread for each connection of aiokafka."""

    def __init__(self, security: KafkaSecurity) -> None:
        assert security.oauth_token is not None
        self._fetch = security.oauth_token

    async def token(self) -> str:
        try:
            return (await asyncio.to_thread(self._fetch)).text
        except EchoTuneError as error:
            raise KafkaConnectionError(str(error)) from error  # aiokafka tries again
