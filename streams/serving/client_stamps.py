"""When a play was: which moment of a track each client stamps. (Replaced by the full table.)"""

from enum import StrEnum


class Stamp(StrEnum):
    """The moment of a play that a client's `listened_at` names."""

    START = "start"
    HALF = "half"
    END = "end"


def stamp_of(submission_client: str, media_player: str, user_agent: str) -> Stamp:
    """The moment that a client stamps."""
    if "mopidy" in f"{submission_client} {media_player}".lower():
        return Stamp.END
    if not submission_client and user_agent.startswith("attohttpc"):
        return Stamp.HALF
    return Stamp.START


def start_ms(listened_at_ms: int, duration_ms: int | None, stamp: Stamp) -> int:
    """The start of the play where its length is known, otherwise the time as it is."""
    if duration_ms is None or stamp is Stamp.START:
        return listened_at_ms
    return listened_at_ms - (duration_ms if stamp is Stamp.END else duration_ms // 2)
