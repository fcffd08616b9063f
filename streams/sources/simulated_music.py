"""Made-up music: artists of a genre, their albums with a day of release, tracks in order."""

from dataclasses import dataclass
from random import Random

from topics.identity import artist_id_of, track_id_of

GENRES = 12
ARTISTS_A_GENRE = 30
ALBUMS_MIN, ALBUMS_MAX = 2, 5
TRACKS_MIN, TRACKS_MAX = 7, 12
DURATION_MIN_MS, DURATION_MAX_MS = 120_000, 330_000
RELEASED_BEFORE_SHARE = 0.7
"""Albums that are there when the town begins to listen; the others appear day by day."""
RELEASE_DAYS = 2_000

_BEGIN = ("al", "bre", "cor", "del", "em", "fen", "gal", "hol", "is", "jun", "kal", "lum", "mor")
_MIDDLE = ("a", "e", "i", "o", "u", "ari", "eno", "ila", "oru")
_END = ("bin", "dra", "fex", "gane", "lim", "mond", "nor", "pell", "rin", "sk", "tain", "vo", "zel")


@dataclass(frozen=True, slots=True)
class SimulatedTrack:
    """A track that nobody ever recorded."""

    track_id: str
    artist_id: str
    artist_name: str
    track_name: str
    release_name: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class SimulatedAlbum:
    """Tracks in order; `released` is a day of the town's time."""

    tracks: tuple[SimulatedTrack, ...]
    released: int


class SimulatedMusic:
    """All the music there is in a town, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        chance = Random(seed)
        names = _Names(chance)
        self.artists: list[list[list[SimulatedAlbum]]] = [
            [_albums(chance, names) for _ in range(ARTISTS_A_GENRE)] for _ in range(GENRES)
        ]
        """By genre, then artist: the artist's albums, oldest first."""


class _Names:
    """Names that are not given twice."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._given: set[str] = set()

    def new(self, words: int) -> str:
        while True:
            name = " ".join(self._word() for _ in range(words))
            if name not in self._given:
                self._given.add(name)
                return name

    def _word(self) -> str:
        pick = self._chance.choice
        return f"{pick(_BEGIN)}{pick(_MIDDLE)}{pick(_END)}".capitalize()


def _albums(chance: Random, names: _Names) -> list[SimulatedAlbum]:
    artist_name = names.new(2)
    albums = [
        _album(chance, names, artist_name) for _ in range(chance.randint(ALBUMS_MIN, ALBUMS_MAX))
    ]
    return sorted(albums, key=lambda album: album.released)


def _album(chance: Random, names: _Names, artist_name: str) -> SimulatedAlbum:
    release_name = names.new(1)
    is_old = chance.random() < RELEASED_BEFORE_SHARE
    tracks = tuple(
        _track(chance, artist_name, names.new(2), release_name)
        for _ in range(chance.randint(TRACKS_MIN, TRACKS_MAX))
    )
    return SimulatedAlbum(tracks, 0 if is_old else chance.randrange(RELEASE_DAYS))


def _track(chance: Random, artist_name: str, track_name: str, release_name: str) -> SimulatedTrack:
    return SimulatedTrack(
        track_id=str(track_id_of(artist_name, track_name)),
        artist_id=artist_id_of(artist_name),
        artist_name=artist_name,
        track_name=track_name,
        release_name=release_name,
        duration_ms=chance.randint(DURATION_MIN_MS, DURATION_MAX_MS),
    )
