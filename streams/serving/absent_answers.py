"""What the OpenAPI document says of what nobody has here: pins, follows, own playlists. Pure."""

from typing import Annotated, Any, Literal

from pydantic import Field

from streams.serving.listenbrainz_answers import AnswerModel

_Nothing = Annotated[list[Any], Field(max_length=0)]


class NoPlaylists(AnswerModel):
    """Playlists that a person has made: none can be made here."""

    playlists: _Nothing
    playlist_count: Literal[0]
    count: Literal[0]
    offset: Literal[0]


class NoPins(AnswerModel):
    """Recordings that a person has pinned: none can be pinned here."""

    pinned_recordings: _Nothing
    total_count: Literal[0]
    user_name: str
    count: Literal[0]
    offset: Literal[0]


class NoCurrentPin(AnswerModel):
    """The recording that is pinned now: none can be pinned here."""

    pinned_recording: None
    user_name: str


class NoFollowers(AnswerModel):
    """Who follows a person: nobody can here."""

    followers: _Nothing
    user: str


class NoFollowing(AnswerModel):
    """Whom a person follows: nobody can be followed here."""

    following: _Nothing
    user: str


class NoSimilarUsers(AnswerModel):
    """People who listen alike: nobody is shown to others here."""

    payload: _Nothing


class FoundUser(AnswerModel):
    """A person, by name."""

    user_name: str


class FoundUsers(AnswerModel):
    """People by their names: whoever asks finds themself alone."""

    users: list[FoundUser]
