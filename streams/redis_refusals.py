"""What Redis refuses, and what to do about it, in words. Pure."""

import re
from typing import NamedTuple

from streams.redis_probe import SPEAKS_PLAINTEXT, SPEAKS_TLS
from topics.errors import ServerError


class Refusal(NamedTuple):
    """What is wrong with Redis, and a remedy."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}"


FULL = Refusal(
    "Redis is full: maxmemory is reached, and it may not evict keys",
    "Give it more memory; lists follow automatically.",
)
REPLICA = Refusal(
    "Redis is a read-only replica", "Set ECHOTUNE_REDIS to the primary; lists follow automatically."
)
_RIGHTS = Refusal(
    "the user of Redis lacks a right",
    "Grant it; docs/security.md lists the rights that each role needs.",
)
_PASSWORD = Refusal(
    "Redis refuses the user or the password",
    "Correct ECHOTUNE_REDIS, or ECHOTUNE_REDIS_PASSWORD.",
)
_CLUSTER = Refusal(
    "this is a Redis Cluster, which is not supported",
    "Set ECHOTUNE_REDIS to a single Redis or Valkey: lists are written by one script.",
)
DISK = Refusal(
    "Redis cannot write to its disk, and refuses writes",
    "Free its disk; its own log says more. Lists follow automatically.",
)
_LOADING = Refusal("Redis loads its data", "Wait; lists follow automatically.")
_DATABASE = Refusal(
    "Redis does not have the database of the address", "Correct the number in ECHOTUNE_REDIS."
)
_SENTINEL = Refusal(
    "this is a Redis Sentinel, or a Redis whose commands were renamed; neither is supported",
    "Set ECHOTUNE_REDIS to the primary itself.",
)
_TLS = Refusal(
    "Redis speaks TLS at this port, and the address says plaintext (redis://)",
    "Set ECHOTUNE_REDIS to rediss://, and ECHOTUNE_REDIS_SSL_CA_LOCATION to its authority.",
)
_PLAINTEXT = Refusal(
    "Redis speaks plaintext at this port, and the address says TLS (rediss://)",
    "Set ECHOTUNE_REDIS to redis://, or to the port that speaks TLS.",
)
_EXPIRED = Refusal(
    "the certificate of Redis has expired", "Renew it, or correct this machine's clock."
)
_CERTIFICATE = Refusal(
    "the certificate of Redis is not trusted",
    "Set ECHOTUNE_REDIS_SSL_CA_LOCATION to the certificate (PEM) of the authority that signed it, "
    "and use a host name that it has.",
)
_BY_TEXT = (
    (SPEAKS_TLS, _TLS),
    (SPEAKS_PLAINTEXT, _PLAINTEXT),
    ("certificate has expired", _EXPIRED),
    ("certificate_verify_failed", _CERTIFICATE),
    ("out of memory", FULL),
    ("command not allowed when used memory", FULL),
    ("readonly", REPLICA),
    ("against a read only replica", REPLICA),
    ("noperm", _RIGHTS),
    ("has no permissions", _RIGHTS),
    ("noauth", _PASSWORD),
    ("authentication required", _PASSWORD),
    ("wrongpass", _PASSWORD),
    ("invalid username-password", _PASSWORD),
    ("invalid password", _PASSWORD),
    ("crossslot", _CLUSTER),
    ("moved ", _CLUSTER),
    ("clusterdown", _CLUSTER),
    ("db is not allowed in cluster mode", _CLUSTER),
    ("misconf", DISK),
    ("loading", _LOADING),
    ("db index is out of range", _DATABASE),
    ("unknown command", _SENTINEL),
)
"""A part of an answer of Redis or of its client, in lower case → what it means."""
_FORBIDDEN = re.compile("no permissions to run the '([^']+)' command")


def redis_refusal(error: BaseException) -> Refusal | None:
    """What an error of Redis means; None if it says nothing more than that it does not answer.

    >>> redis_refusal(ValueError("command not allowed when used memory > 'maxmemory'.")).what
    'Redis is full: maxmemory is reached, and it may not evict keys'
    """
    text = f"{type(error).__name__}: {error}".lower()  # the client cuts some codes off the text
    if command := _FORBIDDEN.search(text):
        return _RIGHTS._replace(what=f"the user of Redis may not run the command {command[1]}")
    return next((refusal for part, refusal in _BY_TEXT if part in text), None)


def redis_problem(error: BaseException) -> str:
    """An error of Redis in words; its own words if they are not known."""
    refusal = redis_refusal(error)
    return str(refusal) if refusal else f"{type(error).__name__}: {error}"


def redis_error(url: str, error: BaseException) -> ServerError:
    """The error to report to people about Redis at `url`, which is shown: without secrets."""
    if refusal := redis_refusal(error):
        return ServerError(f"{url}: {refusal.what}.", refusal.remedy)
    return ServerError(
        f"Redis does not answer at {url}: {str(error) or type(error).__name__}.",
        "Run `echotune up`, or set ECHOTUNE_REDIS to one that does.",
    )
