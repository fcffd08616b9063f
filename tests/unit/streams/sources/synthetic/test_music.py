import numpy as np

from streams.sources.synthetic.music import (
    ARTISTS_A_GENRE,
    BETWEEN_ALBUMS_MAX_DAYS,
    BETWEEN_ALBUMS_MIN_DAYS,
    GENRES,
    TRACKS_CACHED,
    SimulatedMusic,
)
from streams.sources.synthetic.names import two_words

MUSIC = SimulatedMusic(1)
ARTISTS = np.arange(GENRES * ARTISTS_A_GENRE)


def test_every_artist_has_an_album_from_the_first_day_on() -> None:
    assert MUSIC.newest_album(ARTISTS, 0).min() >= 0


def test_albums_come_out_one_at_a_time_for_ever() -> None:
    days = np.arange(20_000)
    numbers = MUSIC.newest_album(np.zeros_like(days), days)
    came_out = np.flatnonzero(np.diff(numbers))
    assert set(np.diff(numbers).tolist()) == {0, 1}
    between = set(np.diff(came_out).tolist())
    assert len(between) == 1
    assert BETWEEN_ALBUMS_MIN_DAYS <= between.pop() <= BETWEEN_ALBUMS_MAX_DAYS


def test_no_album_is_heard_before_it_is_out() -> None:
    for share in (0.0, 0.5, 0.999):
        shares = np.full(len(ARTISTS), share)
        newest = MUSIC.album(ARTISTS, 400, np.zeros(len(ARTISTS)))
        assert (MUSIC.album(ARTISTS, 400, shares) <= newest).all()


def test_tracks_have_names_and_ids_of_their_own() -> None:
    albums = MUSIC.album(ARTISTS, 3_000, np.zeros(len(ARTISTS)))
    codes = [int(MUSIC.in_order(albums, np.full(len(albums), place))[0]) for place in range(7)]
    tracks = [MUSIC.track(code) for code in codes]
    assert len({track.track_id for track in tracks}) == len({t.track_name for t in tracks}) == 7
    assert len({track.release_name for track in tracks}) == 1


def test_artists_have_names_of_their_own() -> None:
    albums = MUSIC.album(ARTISTS, 0, np.zeros(len(ARTISTS)))
    codes = MUSIC.in_order(albums, np.zeros(len(albums), np.int64))
    assert len({MUSIC.track(code).artist_id for code in codes.tolist()}) == len(ARTISTS)


def test_no_more_tracks_are_remembered_than_the_bound_says() -> None:
    assert MUSIC.track.cache_info().maxsize == TRACKS_CACHED


def test_names_are_not_given_twice() -> None:
    assert len({two_words(number) for number in range(200_000)}) == 200_000
