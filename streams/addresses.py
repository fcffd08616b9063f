"""Addresses of the servers: those set by `ECHOTUNE_*`, otherwise those of embedded servers."""

import re

from infra.embedded_servers import Addresses, EmbeddedServers
from streams.settings import Settings
from topics.errors import ServerError

__all__ = ["Addresses", "addresses_of", "shown", "shown_addresses"]


def addresses_of(settings: Settings) -> Addresses:
    """Addresses to use; raises `ServerError` if one is not set and has no embedded server."""
    embedded = EmbeddedServers(settings.home).addresses() or Addresses("", "", "")
    redis, mongo = settings.redis.get_secret_value(), settings.mongo.get_secret_value()
    return Addresses(
        kafka=_known("kafka", settings.kafka or embedded.kafka),
        redis=_known("redis", redis or embedded.redis),
        mongo=mongo or embedded.mongo,
    )


def shown(url: str) -> str:
    """A URL that may be displayed: its password is masked.

    >>> shown("redis://me:secret@host:6379/0")
    'redis://me:***@host:6379/0'
    """
    return re.sub(r"(?<=://)([^:@/]*):[^@/]*@", r"\1:***@", url)


def shown_addresses(addresses: Addresses) -> dict[str, str]:
    """All addresses by name, with masked passwords."""
    return {name: shown(each) for name, each in vars(addresses).items()}


def _known(name: str, address: str) -> str:
    if not address:
        raise ServerError(
            f"No {name} server is known.",
            f"Run `echotune up`, or set ECHOTUNE_{name.upper()} to one of yours.",
        )
    return address
