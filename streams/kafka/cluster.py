"""A Kafka cluster as its clients see it: where it is, and how they prove who they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Self


class OAuthToken(NamedTuple):
    """A bearer token; `expires_at_s` is in seconds since 1970."""

    text: str
    expires_at_s: float


@dataclass(frozen=True)
class KafkaSecurity:
    """How a client connects; the fields have the names of Kafka's own settings.

    Its representation shows no secret.
    """

    protocol: str = "PLAINTEXT"
    """`security.protocol`: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    sasl_mechanism: str = ""
    """PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER; empty without SASL."""
    sasl_username: str = ""
    sasl_password: str = field(default="", repr=False)
    oauth_token: Callable[[], OAuthToken] | None = field(default=None, repr=False)
    """Fetches a token for OAUTHBEARER; blocks, and raises `EchoTuneError`."""
    ssl_ca_location: str = ""
    """File of the certificates to trust; empty: those that the machine trusts."""
    ssl_certificate_location: str = ""
    ssl_key_location: str = ""
    ssl_key_password: str = field(default="", repr=False)
    checks_hostname: bool = True

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def uses_sasl(self) -> bool:
        """Whether clients prove who they are by SASL."""
        return self.protocol.startswith("SASL_")


class KafkaCluster(str):
    """The bootstrap servers as text, with what else a client needs.

    As text it is the servers alone, so no message or log can show a secret. A plain string is a
    cluster without security and without a prefix.
    """

    security: KafkaSecurity
    prefix: str
    """Begins the name of every topic, group and transactional id of this installation."""

    def __new__(
        cls, servers: str, security: KafkaSecurity = KafkaSecurity(), prefix: str = ""
    ) -> Self:
        """A cluster at `servers`, host:port[,host:port]."""
        it = super().__new__(cls, servers)
        it.security, it.prefix = security, prefix
        return it


def security_of(kafka: str) -> KafkaSecurity:
    """How clients connect to `kafka`."""
    return kafka.security if isinstance(kafka, KafkaCluster) else KafkaSecurity()


def prefixed(kafka: str, name: str) -> str:
    """The name that a topic, group or transactional id of EchoTune has in the cluster.

    >>> prefixed("host:9092", "learning-log")
    'learning-log'
    >>> prefixed(KafkaCluster("host:9092", prefix="team-a."), "learning-log")
    'team-a.learning-log'
    """
    return kafka.prefix + name if isinstance(kafka, KafkaCluster) else name
