"""Reads the body of `POST /v1/playback`, as lenient as templates of webhooks need it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from streams.serving.json_values import can_be_kept, number_of
from streams.serving.playback import PlaybackState, PlayedTrack, Report
from streams.serving.submissions import Listen, SubmissionError, submission_of
from topics.identity import track_id_of
from topics.listening_event import EARLIEST_LISTENED_AT_MS, LATEST_AHEAD_MS, PLAY_LENGTH_MAX_MS

NAME_LENGTH_MAX = 200
RATE_MIN, RATE_MAX = 0.1, 10.0
_TICKS = 10_000
"""Ticks in a ms: Jellyfin and Emby count in 100 ns."""
_TRUE = ("true", "1", "yes")


def report_of(body: Any, now_ms: int) -> tuple[str, Report]:
    """The player's name and its report; raises `SubmissionError`, which says what is wrong."""
    if not isinstance(body, Mapping):
        raise SubmissionError("the body is not a JSON object")
    state = _state(body.get("state"))
    track = body.get("track")
    if not isinstance(track, Mapping):
        raise SubmissionError("track is not a JSON object")
    report = Report(
        at=_at(body.get("at"), now_ms),
        state=state,
        position_ms=_position(body),
        track=_track(track, now_ms),
        rate=_rate(body.get("rate")),
        session=_text(body, "session"),
        client=_text(body, "client"),
        completed=_flag(body.get("completed")) and state is PlaybackState.STOPPED,
        only_now=_flag(body.get("ignore_scrobble")),
    )
    return _text(body, "player"), report


def _state(value: Any) -> PlaybackState:
    try:
        return PlaybackState(value.lower() if isinstance(value, str) else value)
    except ValueError:
        raise SubmissionError(f"state is not one of {', '.join(PlaybackState)}") from None


def _at(value: Any, now_ms: int) -> int:
    """A time in ms since 1970, or as ISO 8601 with a zone; without one, or ahead, it is now."""
    if value is None or value == "":
        return now_ms
    at = number_of(value)
    if at is None and isinstance(value, str):
        at = _iso_ms(value)
    if at is None or not EARLIEST_LISTENED_AT_MS <= at <= now_ms + LATEST_AHEAD_MS:
        raise SubmissionError("at is not a time in ms, or ISO 8601 with a zone, up to now")
    return min(round(at), now_ms)


def _iso_ms(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.timestamp() * 1_000 if found.tzinfo else None


def _position(body: Mapping[str, Any]) -> int:
    """The position in ms; -1 if it is unknown."""
    found = _length(body, "position")
    return -1 if found is None else found


def _length(of: Mapping[str, Any], name: str) -> int | None:
    """A length in ms from `name_ms`, or from `name_ticks`."""
    for unit, per_ms in (("ms", 1), ("ticks", _TICKS)):
        found = number_of(of.get(f"{name}_{unit}"))
        if found is not None and 0 <= found <= PLAY_LENGTH_MAX_MS * per_ms:
            return round(found / per_ms)
    return None


def _rate(value: Any) -> float:
    found = number_of(value)
    if found is None:
        return 1.0
    if not RATE_MIN <= found <= RATE_MAX:
        raise SubmissionError(f"rate is not between {RATE_MIN} and {RATE_MAX}")
    return found


def _flag(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in _TRUE)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str | None) or len(value or "") > NAME_LENGTH_MAX:
        raise SubmissionError(f"{name} is not a text of up to {NAME_LENGTH_MAX} letters")
    text = (value or "").strip()
    if not can_be_kept(text):
        raise SubmissionError(f"{name} has a NUL or half a surrogate pair")
    return text


def _track(track: Mapping[str, Any], now_ms: int) -> PlayedTrack:
    """The track, with the rules that hold for a listen of ListenBrainz' API."""
    length = _length(track, "duration")
    more = {"duration_ms": length, "recording_mbid": track.get("recording_mbid")}
    names = {each: track.get(each) for each in ("artist_name", "track_name", "release_name")}
    playing = [{"track_metadata": {**names, "additional_info": more}}]
    found = submission_of({"listen_type": "playing_now", "payload": playing}, now_ms)
    if found.bad:
        raise SubmissionError(f"track: {found.bad[0].why}")
    return _played(found.listens[0])


def _played(listen: Listen) -> PlayedTrack:
    track_id = track_id_of(listen.artist_name, listen.track_name)
    if track_id is None:
        raise SubmissionError("track: the names have no letter")
    return PlayedTrack(
        track_id,
        listen.artist_name,
        listen.track_name,
        listen.release_name or "",
        listen.duration_ms or 0,
        listen.recording_mbid or "",
    )


def listen_of(report: Report) -> Listen:
    """What plays now, as a listen of ListenBrainz' API."""
    track = report.track
    return Listen(
        track.artist_name,
        track.track_name,
        track.release_name or None,
        None,
        track.duration_ms or None,
        None,
        track.recording_mbid or None,
        report.client,
        report.client,
    )


def packed(report: Report) -> bytes:
    """The report as text that is the same for equal reports."""
    return orjson.dumps([*report[:3], [*report.track], *report[4:]])


def unpacked(text: bytes) -> Report:
    """The report that `packed` wrote."""
    at, state, position_ms, track, *more = orjson.loads(text)
    return Report(at, PlaybackState(state), position_ms, PlayedTrack(*track), *more)
