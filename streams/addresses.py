"""Addresses of the servers: those set by `ECHOTUNE_*`, otherwise those of embedded servers."""

import re
from urllib.parse import quote, urlencode

from infra.embedded_servers import Addresses, EmbeddedServers
from streams.kafka.cluster import KafkaCluster
from streams.kafka_security import kafka_security
from streams.settings import Settings
from topics.errors import ServerError, SettingsError

__all__ = ["Addresses", "addresses_of", "shown", "shown_addresses", "stores_of"]


def addresses_of(settings: Settings) -> Addresses:
    """Addresses to use; raises `ServerError` if one is not set and has no embedded server."""
    embedded = EmbeddedServers(settings.home).addresses() or Addresses("", "", "")
    redis, mongo = redis_url(settings), settings.mongo.get_secret_value()
    return Addresses(
        kafka=KafkaCluster(
            _known("kafka", settings.kafka or embedded.kafka),
            kafka_security(settings),
            settings.prefix,
        ),
        redis=_known("redis", redis or embedded.redis),
        mongo=mongo or embedded.mongo,
    )


def stores_of(settings: Settings) -> Addresses:
    """Addresses without Kafka's, for what needs MongoDB; raises `ServerError` if that is unknown.

    That of Redis is empty if it is unknown.
    """
    embedded = EmbeddedServers(settings.home).addresses() or Addresses("", "", "")
    mongo = settings.mongo.get_secret_value() or embedded.mongo
    redis = redis_url(settings) or embedded.redis
    return Addresses(kafka="", redis=redis, mongo=_known("mongo", mongo))


def redis_url(settings: Settings) -> str:
    """The URL of Redis with the password and the certificates that are set beside it."""
    url = settings.redis.get_secret_value()
    password = settings.redis_password.get_secret_value()
    if url and password:
        scheme, _, place = url.partition("://")
        user, _, host = place.rpartition("@")
        if ":" in user:
            raise SettingsError(
                "ECHOTUNE_REDIS has a password, and ECHOTUNE_REDIS_PASSWORD is set, too.",
                "Keep one of them.",
            )
        url = f"{scheme}://{user}:{quote(password, safe='')}@{host}"
    files = {
        "ssl_ca_certs": settings.redis_ssl_ca_location,
        "ssl_certfile": settings.redis_ssl_certificate_location,
        "ssl_keyfile": settings.redis_ssl_key_location,
    }
    given = {name: str(path) for name, path in files.items() if path is not None}
    if given and not url.startswith("rediss://"):
        raise SettingsError(
            "Certificates for Redis are set, but ECHOTUNE_REDIS is no rediss:// URL.",
            "Write rediss:// where Redis has TLS; otherwise nothing is encrypted.",
        )
    return f"{url}{'&' if '?' in url else '?'}{urlencode(given)}" if given else url


def shown(url: str) -> str:
    """A URL that may be displayed: passwords, tokens and all parameters are masked.

    >>> shown("redis://me:secret@host:6379/0")
    'redis://me:***@host:6379/0'
    >>> shown("rediss://host/0?password=secret")
    'rediss://host/0?***'
    """
    scheme, slashes, rest = url.partition("://") if "://" in url else ("", "", url)
    who, at, place = rest.rpartition("@")
    if re.search(r"[?#]", who):  # it is unknown which part the @ belongs to
        return f"{scheme}{slashes}***"
    user, colon, _ = who.partition(":")
    masked = f"{user}:***@" if colon else "***@"
    return f"{scheme}{slashes}{masked if at else ''}{_PARAMETERS.sub('?***', place)}"


_PARAMETERS = re.compile(r"[?#;&].*|[^/?#;&]*=.*", re.DOTALL)
"""Everything from the first parameter on, whatever divides it from the rest."""


def shown_addresses(addresses: Addresses) -> dict[str, str]:
    """All addresses by name, with masked passwords."""
    return {name: shown(each) for name, each in vars(addresses).items()}


def check_embedded_kafka_runs(settings: Settings) -> None:
    """Raises `ServerError` if Kafka is the embedded one, and was stopped."""
    if not settings.kafka and not EmbeddedServers(settings.home).running()["kafka"]:
        raise ServerError("Kafka does not run.", "Run `echotune up`, or set ECHOTUNE_KAFKA.")


def _known(name: str, address: str) -> str:
    if not address:
        raise ServerError(
            f"No {name} server is known.",
            f"Run `echotune up`, or set ECHOTUNE_{name.upper()} to one of yours.",
        )
    return address
