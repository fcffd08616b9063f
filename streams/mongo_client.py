"""The client for MongoDB, with timeouts, so that an outage becomes an error and no call hangs."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import ConfigurationError, PyMongoError

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
        raise ServerError(
            f"MongoDB does not answer as it should ({type(error).__name__}: {str(error)[:200]}).",
            remedy,
        ) from error
