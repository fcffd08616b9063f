"""Tells rows that are plays of music from others: loves, podcasts, films, what is playing now.

A column has a word for each row (`scrobble`, `love`, `Audio`, `Episode`), or is a flag.
"""

import re
from collections.abc import Iterable
from typing import Any

from streams.sources.formats.cell_values import is_storable, number_of, text_of

PLAYING_NOW = "playing now, not yet a play"
PODCAST = "a podcast, not music"
PRIVATE = "a private session"
SKIPPED = "a track that was skipped"
"""The reason where it is not known for how long it was played, on which a reward hangs."""

_PLAY_WORDS = frozenset({"scrobble", "scrobbled", "listen", "listened", "play", "played", "single",
                         "import", "stream", "streamed", "streaming", "track", "tracks", "song",
                         "songs", "music", "audio", "play_end", "playback_end", "playback_stop",
                         "playback_stopped", "media_scrobble", "completed", "music_track",
                         "music_video", "musicvideo", "recording", "library_track",
                         "spotify_track", "song_play"})  # fmt: skip
_OTHER_WORDS = frozenset({"love", "loved", "unlove", "hate", "hated", "unhate", "ban", "like",
                          "unlike", "dislike", "playing_now", "nowplaying", "now_playing",
                          "podcast", "podcasts", "episode", "podcast_episode", "audiobook",
                          "audio_book", "book", "chapter", "ad", "ads", "advertisement", "video",
                          "movie", "film", "tv", "show", "series", "live_tv", "tv_show", "clip",
                          "trailer", "photo", "block", "unblock", "skip", "skipped", "search",
                          "play_start", "playback_start", "playback_started", "pause", "resume",
                          "lyric_display", "radio", "radio_station", "station"})  # fmt: skip
UNREADABLE_KIND = "is of a kind that cannot be read"
_RELEASE_WORDS = frozenset({"album", "ep", "compilation"})
"""Values of a column that states the type of a release, which may also be `single`."""
_YES = frozenset({"true", "t", "yes", "y", "wahr", "ja", "vrai", "oui", "verdadero", "sí", "vero",
                  "verdadeiro", "sim", "waar"})  # fmt: skip


def _word(kind: str) -> str:
    return "_".join(kind.lower().replace("-", " ").replace("_", " ").replace(".", " ").split())


def are_kinds_of_rows(values: Iterable[Any]) -> bool:
    """Whether a column states what each row is: a play, a love, a podcast."""
    words = {_word(str(each)) for each in values if text_of(each)}
    return bool(words & (_PLAY_WORDS | _OTHER_WORDS)) and not words & _RELEASE_WORDS


def why_no_play(kind: Any) -> str | None:
    """Why a row of this kind is no play; None if it is one.

    >>> why_no_play("scrobble"), why_no_play("love"), why_no_play(None)
    (None, "is 'love', not a play", None)
    """
    text = text_of(kind)
    if text is None or _word(text) in _PLAY_WORDS:
        return None
    if not is_storable(text):
        return UNREADABLE_KIND
    return f"is {text[:40]!r}, not a play"


def reason_end_of(told: str | None, skipped: Any) -> str | None:
    """Why a play ended: as its row tells, or else by the row's flag of a skip.

    A reason that contains the word, such as Apple's `TRACK_SKIPPED_FORWARDS`, is a skip. A flag is
    true for long plays as well; the rewards of plays (`folding/rewards`) know that.

    >>> reason_end_of("trackdone", True), reason_end_of(None, "yes"), reason_end_of(None, None)
    ('trackdone', 'skipped', None)
    """
    if told is None:
        return _SKIPPED if is_yes(skipped) else None
    return _SKIPPED if _SKIP.search(told) else told


_SKIPPED = "skipped"
_SKIP = re.compile(r"(?:^|[^a-z])skip(?:ped)?(?:$|[^a-z])", re.IGNORECASE)


def is_yes(value: Any) -> bool:
    """Whether a flag is set; what is no flag is not.

    >>> is_yes(True), is_yes("Yes"), is_yes("0"), is_yes(None)
    (True, True, False, False)
    """
    if isinstance(value, bool):
        return value
    number = number_of(value)
    return number == 1 if number is not None else (text_of(value) or "").lower() in _YES
