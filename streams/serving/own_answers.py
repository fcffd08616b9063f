"""What EchoTune's own API answers, as the OpenAPI document says it. Times are in ms. Pure."""

from typing import Any, Literal

from pydantic import Field

from streams.answering.questions import Mix
from streams.lifecycle.lifecycle import Role
from streams.serving.listenbrainz_answers import AnswerModel
from topics.lifecycle import GenerationState


class ListedTrack(AnswerModel):
    """A track of a list with what the catalogue knows of it; null is unknown."""

    track_id: str
    score: float
    """Comparable within one list only."""
    reason: str
    """The part of the model that found it."""
    why: str
    """The reason in words; empty if there are none for it."""
    artist_name: str | None
    track_name: str | None
    release_name: str | None
    duration_ms: int | None
    recording_mbid: str | None


class ServedList(AnswerModel):
    """The list that a listener is served, best track first."""

    listener: str
    generation: str
    as_of: int
    """The offset of the log record after which it was made."""
    log_epoch: int
    published_at: int
    is_fallback: bool
    """Whether it is everyone's list, because the listener has none yet."""
    tracks: list[ListedTrack]


class ListOnDemand(AnswerModel):
    """A list that was made for this request, best track first."""

    listener: str
    generation: str
    as_of: int
    """The offset of the log record after which it was made."""
    log_epoch: int
    answered_by: Literal["model", "list"]
    """`list` if the model was away, so that the served list was filtered instead."""
    mix: Mix
    unknown: int
    """How many of the tracks that were named the model has never met."""
    note: str
    """What whoever asks should know; empty if nothing."""
    tracks: list[ListedTrack]


class SimilarArtist(AnswerModel):
    """An artist, with the score of their best track."""

    artist_name: str
    score: float


class SimilarArtists(ListOnDemand):
    """Tracks of similar artists, and these artists."""

    artist_name: str
    """The one that was asked for."""
    artists: list[SimilarArtist]
    """In the order of their best track."""


class Me(AnswerModel):
    """Whose token it is."""

    name: str
    is_admin: bool


class HistoryListen(AnswerModel):
    """A play that counts."""

    track_id: str
    listened_at: int
    recording_msid: str
    artist_name: str | None
    track_name: str | None
    release_name: str | None
    client: str


class History(AnswerModel):
    """Listens, newest first."""

    listens: list[HistoryListen]


class Client(AnswerModel):
    """A program that sent listens."""

    client: str
    listens: int
    first_seen: int
    last_seen: int


class Clients(AnswerModel):
    """Programs that sent listens, the one seen last first."""

    clients: list[Client]
    of_newest: int
    """How many of the newest listens were looked at."""


class TrackScores(AnswerModel):
    """What a listener loves and hates."""

    scores: dict[str, Literal[1, -1]]
    """Track id → 1 (love) or -1 (hate), of the newest feedback."""
    total: int
    """How many there are in all."""


class Freshness(AnswerModel):
    """Milliseconds from an event to the list that knows it; missing before any was measured."""

    p50: float | None = None
    p99: float | None = None
    p99_recent: float | None = None


class Quality(AnswerModel):
    """How often a play was on the list just before; missing while no recommender is heard."""

    events: int | None = None
    scored: int | None = None
    hits: int | None = None
    hit_rate: float | None = Field(None, alias="hr@20")
    mrr: float | None = Field(None, alias="mrr@20")


class Lag(AnswerModel):
    """What waits; null is unknown."""

    events: int | None
    """Events that are not yet in the log."""
    log_records: int | None
    """Records of the log that are not yet learnt."""


class Sample(AnswerModel):
    """A point of each curve; null is unknown."""

    at: float
    """Seconds since 1970."""
    applied: int | None
    events_per_s: float | None
    hit_rate: float | None
    baseline: float | None
    """The hit rate of what is popular."""
    fresh_p50_ms: float | None
    fresh_p99_ms: float | None
    waiting_events: int | None
    waiting_records: int | None


class Recommenders(AnswerModel):
    """How many recommenders of the generation there are."""

    running: int
    wanted: int


class Status(AnswerModel):
    """How the system is, with the points of the curves so far; null is unknown."""

    generation: str
    applied: int | None
    """Events learnt."""
    lists: int | None
    lag: Lag
    freshness_ms: Freshness
    recommenders: Recommenders
    sequencers: int
    drift_alarms: int
    problems: list[str]
    addresses: dict[str, str] | None = None
    """Only for administrators."""
    sample: Sample
    """The newest point."""
    samples: list[Sample]


class Generation(AnswerModel):
    """A model beside others on one log; null is unknown."""

    name: str
    role: Role
    state: GenerationState
    share: int | None
    """The share of listeners of a canary, in hundredths of a percent; else null."""
    model: str
    shards: int
    heard: int
    """How many of its shards run."""
    as_of: int | None
    lag_records: int | None
    gate_open: bool
    """Whether all of it runs and publishes."""
    freshness_ms: Freshness
    quality: Quality
    baseline: Quality
    created_at: int
    why: str


class Comparison(AnswerModel):
    """How the hit rates of two generations differ, with a confidence interval."""

    a: str
    b: str
    verdict: str
    difference: float
    low: float
    high: float
    paired: int
    """Number of plays that both have scored."""
    upto_offset: int
    at_ms: int


class Generations(AnswerModel):
    """All generations in the order of their creation, and their newest comparisons."""

    generations: list[Generation]
    comparisons: list[Comparison]
    rollback: str | None
    """Which one a rollback would return to."""


class ServingChange(AnswerModel):
    """What serves whom after a change."""

    valid: Literal[True]
    version: int
    stable: str
    canary: str | None
    share: int
    pointer: str
    """Whether Redis has the change already."""
    warnings: list[str]
    evidence: dict[str, Any]
    """What the gate saw."""
