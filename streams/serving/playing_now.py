"""What each person is playing right now: in Redis, until the track would have ended."""

from contextlib import suppress
from typing import Any

import orjson

from streams.redis_client import REDIS_UNAVAILABLE, text_at
from streams.serving.services import Services

PLAYING_S = 600
"""How long a track without a known length is taken to be playing."""
_KEY = "echotune:playing:"


async def remember_playing_now(services: Services, name: str, listen: dict[str, Any]) -> None:
    """Notes what `name` plays; nothing depends on it, so that Redis may be unavailable."""
    length_ms = listen["track_metadata"]["additional_info"].get("duration_ms")
    seconds = max(1, length_ms // 1_000) if length_ms else PLAYING_S
    with suppress(*REDIS_UNAVAILABLE):
        await services.redis.set(_key(services, name), orjson.dumps(listen), ex=seconds)


async def forget_playing_now(services: Services, name: str, listen: dict[str, Any]) -> None:
    """Notes that `name` plays this no more, unless another recording plays by now."""
    with suppress(*REDIS_UNAVAILABLE):
        found = await playing_now(services, name)
        if found and found.get("recording_msid") == listen["recording_msid"]:
            await services.redis.delete(_key(services, name))


async def playing_now(services: Services, name: str) -> dict[str, Any] | None:
    """What `name` plays; None if nothing is known, or somebody else's value is in its place.

    Raises what `REDIS_UNAVAILABLE` names.
    """
    try:
        found = orjson.loads(await text_at(services.redis, _key(services, name)) or b"null")
    except ValueError:
        return None
    return found if isinstance(found, dict) and "track_metadata" in found else None


def playing_key(prefix: str, name: str) -> str:
    """The key in Redis; `prefix` begins it, as it does all keys."""
    return f"{prefix}{_KEY}{name}"


def _key(services: Services, name: str) -> str:
    return playing_key(services.settings.prefix, name)
