"""What ListenBrainz' API answers, as the OpenAPI document says it. Pure.

Endpoints make their answers without these models, because checking each would take time. A test
compares the answers with the document.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from streams.serving.made_playlists import JSPF_PLAYLIST, JSPF_TRACK, Patch


class AnswerModel(BaseModel):
    """An answer, or a part of one: it has these fields and no others."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Problem(AnswerModel):
    """The only form of errors."""

    code: int
    """The status of the answer."""
    error: str
    """What is wrong, in words."""


class Ok(AnswerModel):
    """What was sent is kept."""

    status: Literal["ok"]


class Submitted(Ok):
    """The broker has every listen of the request."""

    recording_msid: UUID | None = None
    """That of the first listen, if `return_msid` asks for it."""
    rejected: list[str] = []
    """Why listens of the request are dead letters, one text each."""


class TokenValidity(AnswerModel):
    """Whether a token is valid."""

    code: Literal[200]
    message: str
    valid: bool
    user_name: str | None = None
    """Whose token it is; only of a valid one."""


class TrackMetadata(AnswerModel):
    """The names of a track, and whatever its client said of it."""

    artist_name: str
    track_name: str
    release_name: str | None
    additional_info: dict[str, Any]
    """What the client sent, and the ids and the length that are known; never null."""


class Listen(AnswerModel):
    """A play that counts; times in s."""

    listened_at: int
    inserted_at: int
    recording_msid: str
    """A UUID, or the id of a track without names."""
    user_name: str
    track_metadata: TrackMetadata


class ListensPage(AnswerModel):
    """Listens, newest first."""

    count: int
    user_id: str
    latest_listen_ts: int
    """When the newest of all listens was, in s; 0 if there is none."""
    oldest_listen_ts: int
    """When the oldest of all listens was, in s; 0 if there is none."""
    listens: list[Listen]


class Listens(AnswerModel):
    """A page of listens."""

    payload: ListensPage


class NumberOfListens(AnswerModel):
    """A number of listens."""

    count: int


class ListenCount(AnswerModel):
    """How many listens there are."""

    payload: NumberOfListens


class PlayingNowListen(AnswerModel):
    """A play that has not ended."""

    playing_now: Literal[True]
    user_name: str
    recording_msid: UUID
    track_metadata: TrackMetadata


class PlayingNowListens(AnswerModel):
    """One play, or none."""

    count: Literal[0, 1]
    user_id: str
    playing_now: Literal[True]
    listens: list[PlayingNowListen] = Field(max_length=1)


class PlayingNow(AnswerModel):
    """What is playing now."""

    payload: PlayingNowListens


class LatestImport(AnswerModel):
    """Up to when an importer has come, in s; 0 if none has begun."""

    musicbrainz_id: str
    """The person's name, under the field that clients read."""
    latest_import: int


class RecordingFeedback(AnswerModel):
    """Love (1) or hate (-1) for a recording."""

    user_id: str
    recording_mbid: str | None
    recording_msid: str
    score: Literal[1, -1]
    created: int
    """When it was said, in s."""
    track_metadata: None


class FeedbackPage(AnswerModel):
    """A page of feedback, newest first."""

    feedback: list[RecordingFeedback]
    count: int
    total_count: int
    offset: int


class RecordingScore(AnswerModel):
    """What a person thinks of a recording; the id that was not asked by is null."""

    user_id: str
    recording_mbid: UUID | None
    recording_msid: UUID | None
    score: Literal[1, 0, -1]


class RecordingScores(AnswerModel):
    """One score for each recording that was asked for."""

    feedback: list[RecordingScore]


class RecommendedRecording(AnswerModel):
    """A recording of a list; scores are comparable within one list only."""

    recording_mbid: str
    score: float


class RecommendedPage(AnswerModel):
    """Recordings of a list, best first."""

    mbids: list[RecommendedRecording]
    entity: Literal["recording"]
    user_name: str
    last_updated: int
    """When the list was published, in s."""
    count: int
    total_mbid_count: int
    offset: int
    model_id: str
    """The list that they are of: `generation@offset`."""
    model_url: str


class RecommendedRecordings(AnswerModel):
    """A page of recordings whose MusicBrainz ids are known."""

    payload: RecommendedPage


class AlgorithmMetadata(AnswerModel):
    """Which kind of playlist it is."""

    source_patch: Patch


class PlaylistMetadata(AnswerModel):
    """How a playlist was made."""

    algorithm_metadata: AlgorithmMetadata
    made_of: str
    """The list that it was made of: `generation@offset`."""


class PlaylistExtension(AnswerModel):
    """MusicBrainz' extension of a JSPF playlist."""

    public: Literal[False]
    creator: str
    created_for: str
    last_modified_at: datetime
    additional_metadata: PlaylistMetadata


class PlaylistExtensions(AnswerModel):
    """The extensions of a playlist, by their addresses."""

    playlist: PlaylistExtension = Field(alias=JSPF_PLAYLIST)


class NoMetadata(AnswerModel):
    """An object without fields."""


class TrackExtension(AnswerModel):
    """MusicBrainz' extension of a JSPF track."""

    added_by: str
    added_at: datetime
    artist_identifiers: list[str]
    additional_metadata: NoMetadata


class TrackExtensions(AnswerModel):
    """The extensions of a track, by their addresses."""

    track: TrackExtension = Field(alias=JSPF_TRACK)


class PlaylistTrack(AnswerModel):
    """A track of a JSPF playlist."""

    identifier: list[str]
    """Its address at MusicBrainz, or `urn:echotune:track:` and its id."""
    title: str
    creator: str
    album: str
    extension: TrackExtensions
    duration: int | None = None
    """Its length in ms; it is missing if it is not known."""


class Playlist(AnswerModel):
    """A JSPF playlist."""

    creator: str
    title: str
    identifier: str
    date: datetime
    annotation: str
    extension: PlaylistExtensions
    track: list[PlaylistTrack]
    """Empty where playlists are listed."""


class PlaylistDocument(AnswerModel):
    """A kept playlist as JSPF, the JSON form of XSPF."""

    playlist: Playlist


class PlaylistsPage(AnswerModel):
    """Playlists without their tracks, newest first."""

    playlists: list[PlaylistDocument]
    playlist_count: int
    offset: int
    count: int


class Recording(AnswerModel):
    """A recording that the catalogue knows."""

    recording_mbid: str
    recording_name: str | None
    artist_credit_name: str | None
    release_name: str | None
    artist_mbids: list[str]


class RecordingName(AnswerModel):
    """A recording; its length is in ms, and missing if it is not known."""

    name: str
    rels: list[Any] = Field(max_length=0)
    length: int | None = None


class ArtistName(AnswerModel):
    """An artist of a recording, whose MusicBrainz id is not known."""

    name: str
    artist_mbid: None
    join_phrase: str


class ArtistNames(AnswerModel):
    """The artists of a recording."""

    name: str
    artist_credit_id: None
    artists: list[ArtistName]


class ReleaseName(AnswerModel):
    """The release of a recording; it has no fields if it is not known."""

    name: str | None = None
    mbid: None = None
    release_group_mbid: None = None


class RecordingMetadata(AnswerModel):
    """What the catalogue knows of a recording; artist and release only if they are asked for."""

    recording: RecordingName
    artist: ArtistNames | None = None
    release: ReleaseName | None = None
