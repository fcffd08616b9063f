import numpy as np
import pytest

from streams.sources.synthetic.music import ARTISTS_A_GENRE, SimulatedMusic
from streams.sources.synthetic.sessions import SessionKind, Sessions
from streams.sources.synthetic.tastes import Tastes
from streams.sources.synthetic.track_chooser import Rows, TrackChooser

MUSIC = SimulatedMusic(1)
CHOOSER = TrackChooser(1, MUSIC, Tastes(1, MUSIC))
ARTIST = 2 * ARTISTS_A_GENRE + 7
ALBUM = MUSIC.album(np.array([ARTIST]), 0, np.zeros(1))


def a_session(kind: SessionKind, *, listener: int = 4, part: int = 2, plays: int = 6) -> Sessions:
    one = (listener, part, int(kind), ARTIST // ARTISTS_A_GENRE, ARTIST, int(ALBUM[0]), plays)
    return Sessions._make(np.array([value]) for value in one)


def tracks_of(*sessions: Sessions, day: int = 0) -> list[int]:
    columns = (np.concatenate(column) for column in zip(*sessions, strict=True))
    return list(map(int, CHOOSER.tracks(Rows.of(day, Sessions._make(columns)))))


def test_an_album_is_played_from_its_first_track_on_in_order() -> None:
    length = int(MUSIC.length(ALBUM)[0])
    in_order = [int(MUSIC.in_order(ALBUM, np.array([place]))[0]) for place in range(length)]
    assert tracks_of(a_session(SessionKind.ALBUM, plays=length)) == in_order
    assert in_order == list(range(in_order[0], in_order[0] + length))


def test_an_artists_session_is_of_that_artist() -> None:
    codes = tracks_of(a_session(SessionKind.ARTIST, plays=24))
    artist_id = MUSIC.track(int(MUSIC.in_order(ALBUM, np.array([0]))[0])).artist_id
    assert {MUSIC.track(code).artist_id for code in codes} == {artist_id}
    assert len(set(codes)) > 3


def test_a_playlist_keeps_its_order_from_day_to_day() -> None:
    whole = tracks_of(a_session(SessionKind.PLAYLIST, plays=64))
    follows = dict(zip(whole, [*whole[1:], whole[0]], strict=True))
    for part in range(8):
        some = tracks_of(a_session(SessionKind.PLAYLIST, part=part, plays=2))
        assert follows[some[0]] == some[1]


def test_the_charts_are_the_same_for_everyone_and_favourites_are_not() -> None:
    def shared(kind: SessionKind) -> int:
        one, other = (
            {
                code
                for part in range(8)
                for code in tracks_of(a_session(kind, listener=listener, part=part, plays=24))
            }
            for listener in (1, 2)
        )
        return len(one & other)

    assert shared(SessionKind.CHARTS) > 20
    assert shared(SessionKind.FAVOURITES) < 5


@pytest.mark.parametrize("kind", SessionKind)
def test_what_a_session_plays_does_not_hang_on_the_sessions_beside_it(kind: SessionKind) -> None:
    alone = tracks_of(a_session(kind))
    others = [a_session(other, listener=9) for other in SessionKind]
    assert tracks_of(*others, a_session(kind))[-6:] == alone
