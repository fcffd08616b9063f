"""Questions to a model: what follows a queue, what is like a track or an artist. Pure.

A question travels as JSON. Who asks checks what people sent; the bounds here protect the model's
process, which takes questions from anything that may write to Redis.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

COUNT_MAX = 100
QUEUE_MAX = 500
EXCLUDED_MAX = 1_000
ARTIST_MAX = 100
OFFSET_MAX = 14 * 60
Id = Annotated[str, Field(max_length=512)]


class Kind(StrEnum):
    """What is asked for."""

    NEXT = "next"
    """What a listener plays next, after their own plays and those of a queue."""
    SIMILAR_TRACK = "similar_track"
    SIMILAR_ARTIST = "similar_artist"


class Mix(StrEnum):
    """How the model's candidates are weighed; `mixes` says it for each."""

    NOW = "now"
    MORNING = "morning"
    REDISCOVER = "rediscover"
    NEW = "new"


class Wishes(BaseModel):
    """What is wanted of a list, beside its tracks being good ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(25, ge=1, le=COUNT_MAX)
    owned: bool | None = None
    """True: only tracks that the listener has played; False: only others; None: both."""
    new_share: float | None = Field(None, ge=0, le=1)
    """The share of tracks that the listener has not played, as far as there are enough."""
    per_artist: int = Field(0, ge=0, le=ARTIST_MAX)
    """Maximum number of tracks of one artist; 0: any number."""
    exclude: tuple[Id, ...] = Field((), max_length=EXCLUDED_MAX)
    """Ids of tracks that are not wanted."""
    mix: Mix = Mix.NOW
    utc_offset: int = Field(0, ge=-OFFSET_MAX, le=OFFSET_MAX)
    """Minutes that the listener's clock is ahead of UTC; it matters to `morning` alone."""

    @property
    def contradiction(self) -> str | None:
        """Why no track can be as wished; None if one can."""
        if self.mix is Mix.REDISCOVER and self.owned is False:
            return "mix=rediscover is of tracks that the listener has played, owned=false of others"
        if self.mix is Mix.NEW and self.owned:
            return "mix=new is of tracks that the listener has not played, owned=true of others"
        return None


class Question(BaseModel):
    """One question about one listener."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    listener_id: Id
    queue: tuple[Id, ...] = Field((), max_length=QUEUE_MAX)
    """Track ids, in the order in which they are played; for similar tracks: the one track."""
    artist_id: Id = ""
    wishes: Wishes = Wishes()
