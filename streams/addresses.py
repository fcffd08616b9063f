"""Where the servers are: as set by `ECHOTUNE_*`, else the embedded ones of the home folder."""

from dataclasses import dataclass

import orjson

from streams.settings import Settings
from topics.errors import ServerError

SERVERS_FILE = "servers.json"


@dataclass(frozen=True)
class Addresses:
    """Addresses of the servers; `mongo` may be empty, then names are missing."""

    kafka: str
    redis: str
    mongo: str


def addresses_of(settings: Settings) -> Addresses:
    """Addresses to use; raises `ServerError` where neither setting nor embedded server is there."""
    embedded = _embedded(settings)
    return Addresses(
        kafka=settings.kafka or _required(embedded, "kafka", "ECHOTUNE_KAFKA"),
        redis=settings.redis.get_secret_value() or _required(embedded, "redis", "ECHOTUNE_REDIS"),
        mongo=settings.mongo.get_secret_value() or embedded.get("mongo", ""),
    )


def _embedded(settings: Settings) -> dict[str, str]:
    path = settings.home / SERVERS_FILE
    return dict(orjson.loads(path.read_bytes())["addresses"]) if path.is_file() else {}


def _required(embedded: dict[str, str], name: str, variable: str) -> str:
    if address := embedded.get(name):
        return address
    raise ServerError(
        f"No {name} server is known.", f"Run `echotune up`, or set {variable} to one of yours."
    )
