"""Tracks are named as listens and playlists name them; names come before MusicBrainz ids."""

from typing import Any

import pytest

from streams.serving.track_references import TrackReference, reference_of
from topics.identity import track_id_of

MBID = "00000000-0000-4000-8000-00000000000a"
NINA = track_id_of("Nina Simone", "Sinnerman")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("t1", TrackReference("t1")),
        ({"track_id": "spotify:abc"}, TrackReference("spotify:abc")),
        ({"artist_name": "nina simone", "track_name": "SINNERMAN"}, TrackReference(NINA)),
        ({"creator": "Nina Simone", "title": "Sinnerman"}, TrackReference(NINA)),
        (
            {"artist_name": "Nina Simone", "track_name": "Sinnerman", "recording_mbid": MBID},
            TrackReference(NINA),
        ),
        ({"recording_mbid": MBID.upper()}, TrackReference(None, MBID)),
        ({"identifier": f"https://musicbrainz.org/recording/{MBID}"}, TrackReference(None, MBID)),
        ({"identifier": [f"http://musicbrainz.org/recording/{MBID}/"]}, TrackReference(None, MBID)),
        ({"identifier": ["urn:echotune:track:t1"]}, TrackReference("t1")),
    ],
)
def test_a_track_is_named_in_several_ways(value: Any, expected: TrackReference) -> None:
    assert reference_of(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(None, 5, True, [], {}, "", " ", "a\x00", "\ud800", "a" * 513),
        *({"track_id": value} for value in (5, "", [], {})),
        *({"artist_name": value, "track_name": "a"} for value in (5, "", [], {}, "a\x00")),
        *({"recording_mbid": value} for value in (5, "", "no", "-" * 36, [MBID, MBID], {})),
        {"identifier": f"https://elsewhere.org/recording/{MBID}"},
        {"artist_name": "Nina Simone"},
    ],
)
def test_what_names_no_track_is_refused_in_words(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^(is|needs|has) "):
        reference_of(value)
