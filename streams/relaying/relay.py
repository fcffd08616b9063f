"""What a relay lets pass, and what it sends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import xxhash

from streams.listens.listen_history import Listen

LIVE_SOURCES = ("listenbrainz", "playback")
"""What players submit: the sources that pass by default. Imported histories do not."""
LISTENBRAINZ, LASTFM = "listenbrainz", "lastfm"
"""The kinds of services, by their API."""
LASTFM_LENGTH_MS = 30_000
"""Last.fm asks that tracks of up to this length are not scrobbled."""
CLIENT = "EchoTune relay"
OWN_SOURCE = "listenbrainz:echotune-relay"
"""The source of what another EchoTune has relayed: it passes nowhere, so that nothing circles."""
RECENT_MAX = 500
FULL_LISTEN_MS = 4 * 60_000
_S = 1_000


@dataclass(frozen=True)
class Relay:
    """A person's relay to a service, and how far it has come. Times in ms."""

    relay_id: str
    person: str
    url: str
    token: str
    since: int
    """Listens that the broker recorded before are not sent."""
    kind: str = LISTENBRAINZ
    api_key: str = ""
    secret: str = ""
    """What signs requests to services that are like Last.fm; `token` is the session key there."""
    only: tuple[str, ...] = LIVE_SOURCES
    without: tuple[str, ...] = ()
    is_paused: bool = False
    is_stopped: bool = False
    """The service says that only a person can help."""
    log: str = ""
    position: int = -1
    """The place in the log up to which everything was delivered or set aside."""
    recent: tuple[str, ...] = ()
    """The listens that were delivered last."""
    delivered: int = 0
    refused: int = 0
    failures: int = 0
    """Attempts that failed since the last delivery."""
    waits_until: int = 0
    said: str = ""
    """Why it waits."""
    added_at: int = 0
    """When it was added, or added again."""

    @property
    def label(self) -> str:
        """What logs call it: the service, and a digest in the place of the person's name."""
        service = self.relay_id.rpartition("@")[2]
        return f"{service}#{xxhash.xxh64_hexdigest(self.relay_id.encode())[:8]}"

    def passes(self, listen: Listen) -> bool:
        """Whether a listen is sent."""
        return (
            _is_of(listen.source, self.only)
            and not _is_of(listen.source, (*self.without, OWN_SOURCE))
            and bool(listen.artist_name and listen.track_name)
            and is_full_listen(listen)
            and (self.kind != LASTFM or (listen.duration_ms or FULL_LISTEN_MS) > LASTFM_LENGTH_MS)
            and guard_of(listen) not in self.recent
        )


def relay_id_of(person: str, url: str) -> str:
    """The name of a person's relay to a URL.

    >>> relay_id_of("ada", "https://api.listenbrainz.org/1/")
    'ada@api.listenbrainz.org'
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/1")
    return f"{person}@{parts.netloc}{path}"


def is_full_listen(listen: Listen) -> bool:
    """Whether it is a listen by the rule of ListenBrainz; skips are none of other services'.

    >>> is_full_listen(Listen("l", "k", "t", 0, 0, "m", ms_played=9_000, duration_ms=200_000))
    False
    """
    if listen.ms_played is None:
        return True
    half = (listen.duration_ms or 2 * FULL_LISTEN_MS) / 2
    return listen.ms_played >= min(half, FULL_LISTEN_MS)


def guard_of(listen: Listen) -> str:
    """What a service compares to find a listen that it already has."""
    return f"{listen.listened_at // _S}:{listen.recording_msid}"


def _is_of(source: str, names: Sequence[str]) -> bool:
    """Whether a source is one of `names`, or a program of one."""
    return any(source == each or source.startswith(f"{each}:") for each in names)


def submission_of_listens(listens: Sequence[Listen]) -> dict[str, Any]:
    """The body that submits listens to ListenBrainz' API."""
    return {"listen_type": "import", "payload": [_payload(each) for each in listens]}


def _payload(listen: Listen) -> dict[str, Any]:
    played_s = None if listen.ms_played is None else listen.ms_played // _S
    more = {
        "submission_client": CLIENT,
        "original_submission_client": listen.source.partition(":")[2],
        "duration_ms": listen.duration_ms,
        "duration_played": played_s or None,
        "recording_mbid": listen.recording_mbid,
    }
    names = {
        "artist_name": listen.artist_name,
        "track_name": listen.track_name,
        "release_name": listen.release_name,
    }
    track = {name: each for name, each in names.items() if each}
    info = {name: each for name, each in more.items() if each}
    metadata = {**track, "additional_info": info}
    return {"listened_at": listen.listened_at // _S, "track_metadata": metadata}
