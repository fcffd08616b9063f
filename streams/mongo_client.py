"""The client for MongoDB, with timeouts, so that an outage becomes an error and no call hangs."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from topics.errors import ServerError, SettingsError

DATABASE = "echotune"
SELECTION_TIMEOUT_MS = 1_000
ANSWER_TIMEOUT_S = 5.0
_CONNECTIONS_MAX = 4


def mongo_client(
    url: str, answer_timeout_s: float = ANSWER_TIMEOUT_S
) -> AsyncIOMotorClient[dict[str, Any]]:
    """A client; parameters that it does not know are ignored, without a word of their values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return AsyncIOMotorClient(
                url,
                serverSelectionTimeoutMS=SELECTION_TIMEOUT_MS,
                connectTimeoutMS=SELECTION_TIMEOUT_MS,
                socketTimeoutMS=int(answer_timeout_s * 1000),
                maxPoolSize=_CONNECTIONS_MAX,
                w="majority",
                journal=True,
            )
    except (ConfigurationError, ValueError) as error:
        raise SettingsError(
            f"The address of MongoDB cannot be used: {str(error).rstrip('.')}.",
            "Set ECHOTUNE_MONGO to mongodb://host:port.",
        ) from error


@contextmanager
def mongo_answers(remedy: str) -> Iterator[None]:
    """Translates errors of MongoDB and its client into `ServerError`s with this remedy."""
    try:
        yield
    except (PyMongoError, OSError) as error:
        if refused := _refusal(error):
            raise ServerError(refused[0], f"{refused[1]} {remedy}") from error
        raise ServerError(
            f"MongoDB does not answer as it should ({type(error).__name__}: {str(error)[:200]}).",
            remedy,
        ) from error


_AUTHENTICATION_FAILED, _UNAUTHORIZED = 18, 13
_MAY_SPEAK_TLS = (
    "MongoDB closes the connection, as it does where it speaks TLS and the client does not",
    "Add tls=true, and tlsCAFile=PATH, to ECHOTUNE_MONGO if it speaks TLS.",
)
_BY_TEXT = (
    (
        "certificate_verify_failed",
        "The certificate of MongoDB is not trusted",
        "Add tlsCAFile=PATH of the authority that signed it to ECHOTUNE_MONGO, and use a host "
        "name that it has.",
    ),
    (
        "ssl handshake failed",
        "MongoDB does not speak TLS at this port, or wants a certificate of the client",
        "Leave tls=true out of ECHOTUNE_MONGO, or add tlsCertificateKeyFile=PATH.",
    ),
    ("connection closed", *_MAY_SPEAK_TLS),
    ("connection reset by peer", *_MAY_SPEAK_TLS),
)
"""A part of the client's words, in lower case; what it means; a remedy."""


def _refusal(error: BaseException) -> tuple[str, str] | None:
    """What MongoDB refuses, and a remedy; None if it is only away."""
    code = error.code if isinstance(error, OperationFailure) else None
    if code == _AUTHENTICATION_FAILED:
        return (
            "MongoDB refuses the user or the password.",
            "Correct ECHOTUNE_MONGO; a user of another database needs authSource=NAME.",
        )
    if code == _UNAUTHORIZED:
        return (
            f"MongoDB asks for a user, or this one lacks a right on the database {DATABASE}.",
            "Put user and password into ECHOTUNE_MONGO, and grant the user readWrite on it.",
        )
    text = str(error).lower()
    found = ((f"{what}.", remedy) for part, what, remedy in _BY_TEXT if part in text)
    return next(found, None)
