"""A pipeline of a Redis that is none: its commands run one after another."""

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol


class Answering(Protocol):
    """What answers the commands."""

    async def pttl(self, key: str) -> int:
        """The time that is left of a key, in ms."""

    async def mget(self, keys: Any) -> Sequence[bytes | None]:
        """The values of keys."""


class Pipeline:
    """Sends its commands when it is executed."""

    def __init__(self, redis: Answering) -> None:
        self._redis = redis
        self._asked: list[Awaitable[Any]] = []

    async def __aenter__(self) -> "Pipeline":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def pttl(self, key: str) -> None:
        """Asks for the time that is left of a key."""
        self._asked.append(self._redis.pttl(key))

    def mget(self, keys: Sequence[str]) -> None:
        """Asks for values."""
        self._asked.append(self._redis.mget(keys))

    async def execute(self) -> list[Any]:
        """All answers, in order."""
        return [await each for each in self._asked]
