"""When a play began, from what a ListenBrainz client sends: its time, its length, and who it is.

`listened_at` is the start of a play for nearly all clients. rescrobbled sends the moment at which a
play qualifies, which is half of the track, or four minutes if that comes sooner; Mopidy sends the
end. Where the length is known, the start follows. Otherwise the time stays as it is, and the fold's
rule of near duplicates (`streams/folding/window_kernels.py`) allows for it. Pure.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from streams.serving.json_values import number_of
from topics.errors import SettingsError
from topics.listening_event import PLAY_LENGTH_MAX_MS

QUALIFIES_MS = 4 * 60_000
"""A play qualifies after half of the track, and at the latest after four minutes."""
NO_LENGTH_BELOW_MS = 3_600
"""An integer `duration_ms` below this is none: as milliseconds no track is that short but for a few
curiosities, and as seconds it is up to an hour, which some clients send by mistake."""
_COUNTS_IN_SECONDS = "supysonic"
"""The player that is known to send seconds in `duration_ms`."""
_SETTING = "ECHOTUNE_CLIENT_STAMPS"


class Stamp(StrEnum):
    """Which moment of a play a client calls `listened_at`."""

    START = "start"
    HALF = "half"
    END = "end"


CLIENT_STAMPS: Mapping[str, Stamp] = {"mopidy": Stamp.END, "rescrobbled": Stamp.HALF}
"""Name of the client in small letters → its stamp; every other client stamps the start."""
_CLIENT_OF_AGENT = {"attohttpc": "rescrobbled"}
"""Product in the User-Agent → client, for clients that do not say who they are."""


def client_stamps(setting: str) -> Mapping[str, Stamp]:
    """The table with the changes of a setting; raises `SettingsError` if it cannot be read.

    >>> sorted(client_stamps("Mopidy=start, kodi=end").items())[:2]
    [('kodi', <Stamp.END: 'end'>), ('mopidy', <Stamp.START: 'start'>)]
    """
    table = dict(CLIENT_STAMPS)
    for part in filter(None, map(str.strip, setting.split(","))):
        client, _, stamp = map(str.strip, part.rpartition("="))
        if not client or stamp.casefold() not in list(Stamp):
            raise SettingsError(
                f"{_SETTING} has {part!r}, which is no client with its stamp.",
                "Write it as mopidy=end,rescrobbled=half; a stamp is start, half or end.",
            )
        table[client.casefold()] = Stamp(stamp.casefold())
    return table


def stamp_of(
    submission_client: object,
    media_player: object,
    user_agent: object,
    table: Mapping[str, Stamp] = CLIENT_STAMPS,
) -> Stamp:
    """The stamp of a client, by what it says of itself; anything but a text says nothing.

    A name in the table is that of a client if the client's own name begins with it.

    >>> stamp_of("Mopidy-Listenbrainz", "Mopidy", None).value
    'end'
    >>> stamp_of(None, None, "attohttpc/0.28.5").value
    'half'
    """
    client = _client(submission_client, media_player, user_agent)
    known = [name for name in table if _begins_with(client, name)]
    return table[max(known, key=len)] if known else Stamp.START


def _client(submission_client: object, media_player: object, user_agent: object) -> str:
    product = _text(user_agent).partition("/")[0].strip()
    names = (_text(submission_client), _CLIENT_OF_AGENT.get(product), _text(media_player), product)
    return next(filter(None, names), "")


def _text(value: object) -> str:
    return value.strip().casefold() if isinstance(value, str) else ""


def _begins_with(client: str, name: str) -> bool:
    """Whether `client` is `name`, or goes on after it with another word."""
    return client.startswith(name) and not client[len(name) : len(name) + 1].isalnum()


def start_ms(listened_at_ms: int, duration_ms: int | None, stamp: Stamp) -> int:
    """When the play began, ms since 1970; the time as it is if the length is unknown.

    >>> start_ms(1_760_000_400_000, 210_000, Stamp.HALF)
    1760000295000
    """
    length_ms = duration_ms or 0
    match stamp:
        case Stamp.START:
            return listened_at_ms
        case Stamp.HALF:
            return listened_at_ms - min(length_ms // 2, QUALIFIES_MS)
        case Stamp.END:
            return listened_at_ms - length_ms


def known_duration_ms(duration: Any, duration_ms: Any, media_player: object) -> int | None:
    """The length of the track in ms, from seconds and milliseconds as sent; None if unknown.

    `duration_ms` counts if it is a length, and else `duration`. Both may be numbers or texts of
    numbers, with or without a fraction. More than 24 days, or nothing, is no length.

    >>> known_duration_ms("210.5", None, "MPD"), known_duration_ms(None, 40, "Supysonic")
    (210500, 40000)
    """
    sent_ms = number_of(duration_ms)
    if sent_ms is not None and sent_ms < NO_LENGTH_BELOW_MS:
        if _begins_with(_text(media_player), _COUNTS_IN_SECONDS):
            sent_ms *= 1_000
        elif sent_ms.is_integer():
            sent_ms = None
    seconds = number_of(duration)
    in_ms = _length(None if seconds is None else 1_000 * seconds)
    return in_ms if (length := _length(sent_ms)) is None else length


def _length(value_ms: float | None) -> int | None:
    if value_ms is None or not 0 < value_ms <= PLAY_LENGTH_MAX_MS:
        return None
    return round(value_ms) or None
