"""A client that others wrote, liblistenbrainz from PyPI, submits plays and reads them back."""

from typing import Any

import pytest
from liblistenbrainz import Listen, ListenBrainz
from liblistenbrainz.errors import InvalidAuthTokenException, ListenBrainzAPIException

from tests.support.served_station import AT_S, ServedStation
from tests.support.station import wait_until
from tests.support.tcp_proxy import TcpProxy

MBID = "00000000-0000-4000-8000-000000000001"
NOT_A_TOKEN = "00000000-dead-4bad-8bad-000000000000"


def a_client(served: ServedStation, name: str, *, through: str = "") -> ListenBrainz:
    """The library with the token of a new person."""
    client = ListenBrainz(through or served.url)
    client.set_auth_token(served.person(name).token)
    return client


def a_listen(minute: int, **more: Any) -> Listen:
    """A listen, `minute` minutes after the first."""
    names = {"track_name": f"Song {minute}", "artist_name": "Echo Artist", "release_name": "Echo"}
    return Listen(listened_at=AT_S + 60 * minute, **names, **more)


def wait_names(client: ListenBrainz, name: str, *names: str) -> dict[str, Listen]:
    """Waits until the person has listened to exactly these tracks, each once."""
    found = wait_until(
        lambda: client.get_listens(name, count=100),
        lambda listens: sorted(one.track_name for one in listens) == sorted(names),
    )
    return {one.track_name: one for one in found}


def test_every_kind_of_submission_is_read_back_with_what_was_sent(served: ServedStation) -> None:
    client = a_client(served, "ada")
    more = {"recording_mbid": MBID, "isrc": "QZES71982312", "tracknumber": 3, "tags": ["echo"]}
    client.submit_playing_now(Listen(track_name="Song 9", artist_name="Echo Artist"))
    assert client.get_playing_now("ada").track_name == "Song 9"
    client.submit_single_listen(a_listen(1, **more))
    client.submit_multiple_listens([a_listen(2), a_listen(3)])
    found = wait_names(client, "ada", "Song 1", "Song 2", "Song 3")
    first = found["Song 1"]
    assert (first.listened_at, first.release_name) == (AT_S + 60, "Echo")
    assert (first.recording_mbid, first.isrc, first.tags) == (MBID, "QZES71982312", ["echo"])
    assert all(one.recording_msid for one in found.values())
    before = client.get_listens("ada", max_ts=AT_S + 180)
    assert [one.track_name for one in before] == ["Song 2", "Song 1"]
    assert client.get_user_listen_count("ada") == 3
    client.delete_listen(found["Song 2"])
    wait_names(client, "ada", "Song 1", "Song 3")


def test_love_is_given_shown_and_taken_back(served: ServedStation) -> None:
    client = a_client(served, "bob")

    def loved() -> list[str]:
        given = client.get_user_feedback("bob", 1, None)["feedback"]
        return [each["recording_mbid"] for each in given]

    client.submit_user_feedback(1, MBID)
    assert loved() == [MBID]
    client.submit_user_feedback(0, MBID)
    assert loved() == []


def test_a_reply_that_is_lost_on_its_way_leaves_one_listen(served: ServedStation) -> None:
    port = int(served.url.rpartition(":")[2])
    with TcpProxy(port) as proxy:
        client = a_client(served, "cleo", through=f"http://127.0.0.1:{proxy.port}")
        proxy.set("cut_reply")
        client.submit_single_listen(a_listen(1))  # the library repeats it by itself
        assert proxy.cuts == 1
        client.submit_single_listen(a_listen(2))
        wait_names(client, "cleo", "Song 1", "Song 2")


def test_a_wrong_token_is_known_as_such_and_submits_nothing(served: ServedStation) -> None:
    client = ListenBrainz(served.url)
    with pytest.raises(InvalidAuthTokenException):
        client.set_auth_token(NOT_A_TOKEN)
    client.set_auth_token(NOT_A_TOKEN, check_validity=False)
    with pytest.raises(ListenBrainzAPIException) as refused:
        client.submit_single_listen(a_listen(1))
    assert refused.value.status_code == 401
