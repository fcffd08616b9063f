"""Plays from reports of players: what was started, how much was heard, and how it ended. Pure.

Reports are a set. They are sorted by their own times before they are read, so that neither the
order in which they arrive nor a repetition changes a play. How far a play has come is the least
that position, clock and rate agree on: neither a seek nor a silence is heard.
"""

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

FOLLOWS_MS = 5_000
"""A track that starts this soon after another was stopped makes that stop a skip."""
SETTLES_MS = FOLLOWS_MS
"""How long the reports of an ended play may be late."""
LATE_MS = 2_000
"""How long a report without a time of its own may arrive after the next track's start."""
JITTER_MS = 2_000
"""By how much the clocks of two reports may differ from their positions."""
SILENCE_MS = 60_000
"""How long after its calculated end a play without a further report is over."""
UNKNOWN_LENGTH_MS = 600_000
PAUSE_MAX_MS = 3_600_000
END_SHARE = 0.05
END_MS = 5_000
"""A stop so near a track's end (this, or `END_SHARE` of it) is no skip."""
SHORT_MS = 30_000


class PlaybackState(StrEnum):
    """What a player reports, in the order in which reports of one moment are read."""

    STOPPED = "stopped"
    EXPIRED = "expired"
    STARTING = "starting"
    PLAYING = "playing"
    PAUSED = "paused"


_RANK = {state: rank for rank, state in enumerate(PlaybackState)}
_ENDS = frozenset({PlaybackState.STOPPED, PlaybackState.EXPIRED})


class PlayedTrack(NamedTuple):
    """A track as its player names it."""

    track_id: str
    artist_name: str
    track_name: str
    release_name: str = ""
    duration_ms: int = 0
    """0 if it is unknown."""
    recording_mbid: str = ""


class Report(NamedTuple):
    """One report. Times in ms."""

    at: int
    state: PlaybackState
    position_ms: int
    """-1 if it is unknown."""
    track: PlayedTrack
    rate: float = 1.0
    session: str = ""
    """Names the start that the report belongs to, if the player can say so."""
    client: str = ""
    completed: bool = False
    """The player says that the track was played to its end."""
    only_now: bool = False
    """The report is for what plays now alone: the player sends its plays in another way."""


class EndReason(StrEnum):
    """How a play ended, as events say it; `folding/rewards.py` reads them."""

    DONE = "trackdone"
    SKIPPED = "fwdbtn"
    STOPPED = "endplay"
    EXPIRED = "expired"


class Play(NamedTuple):
    """A play that has ended."""

    track: PlayedTrack
    started_at: int
    session: str
    client: str
    ms_played: int
    reason_end: EndReason
    counts: bool
    """Whether it is a play at all: something was heard, and it is not reported elsewhere."""


class Settled(NamedTuple):
    """What a player's reports have come to."""

    plays: list[Play]
    """Plays that have ended, and whose reports are not waited for any more."""
    done: list[Report]
    """The reports that are not needed any more."""
    until: int
    """Reports that are no later than this belong to what is done; 0 if nothing is."""
    due_at: int | None
    """When there may be more to settle without another report; None if nothing is open."""


class _Started(NamedTuple):
    """The reports of one start, in their order."""

    reports: list[Report]

    @property
    def first(self) -> Report:
        return self.reports[0]

    @property
    def end(self) -> Report | None:
        return next((each for each in self.reports if each.state in _ENDS), None)

    @property
    def heard(self) -> list[Report]:
        """The reports up to the end."""
        ended = next((at for at, each in enumerate(self.reports) if each.state in _ENDS), None)
        return self.reports if ended is None else self.reports[: ended + 1]


def settled(received: dict[Report, int], now: int) -> Settled:
    """What reports, each with the time at which it was received, have come to at `now`."""
    starts, orphans = _starts(received)
    plays: list[Play] = []
    done: list[Report] = []
    until, due_at = 0, None
    for at, start in enumerate(starts):
        following = starts[at + 1] if at + 1 < len(starts) else None
        due_at = _settles_at(start, following, received)
        if due_at > now:
            break
        plays.append(_play(start, following))
        done += start.reports
        until = start.reports[-1].at if following is None else following.first.at - 1
        due_at = None
    waiting = {each: received[each] + PAUSE_MAX_MS for each in orphans}
    done += [each for each, ends in waiting.items() if ends <= now]
    dues = [*(ends for ends in waiting.values() if ends > now), *([due_at] if due_at else [])]
    return Settled(plays, done, until, min(dues, default=None))


def _starts(reports: Collection[Report]) -> tuple[list[_Started], list[Report]]:
    """The starts among reports by time, and the reports of an end whose start is not known."""
    starts: list[_Started] = []
    orphans: list[Report] = []
    for report in sorted(reports, key=_order):
        if (start := _start_of(report, starts)) is not None:
            start.reports.append(report)
        elif report.state in _ENDS or report.state is PlaybackState.PAUSED:
            orphans.append(report)
        else:
            starts.append(_Started([report]))
    return starts, orphans


def _order(report: Report) -> tuple[object, ...]:
    return (report.at, _RANK[report.state], *report[2:])


def _start_of(report: Report, starts: Sequence[_Started]) -> _Started | None:
    """The start that a report belongs to; None if it is one itself, or of none."""
    if report.session:
        return next((each for each in starts if each.first.session == report.session), None)
    same = [each for each in starts if _is_same(each.first, report)]
    if not same or report.state is PlaybackState.STARTING:
        return _not_begun(report, starts)
    if same[-1] is starts[-1]:
        return same[-1] if _continues(report, same[-1]) else None
    if report.state is not PlaybackState.PLAYING:  # the next track has started already
        return same[-1]
    is_late = same[-1] in starts[-2:] and report.at - starts[-1].first.at <= LATE_MS
    return same[-1] if is_late else None


def _is_same(first: Report, report: Report) -> bool:
    return not first.session and first.track.track_id == report.track.track_id


def _not_begun(report: Report, starts: Sequence[_Started]) -> _Started | None:
    """The start that a `starting` repeats: the last one, if nothing came after it."""
    if not starts or not _is_same(starts[-1].first, report):
        return None
    is_new = any(each.state is not PlaybackState.STARTING for each in starts[-1].reports)
    return None if is_new else starts[-1]


def _continues(report: Report, start: _Started) -> bool:
    """Whether a report belongs to the last start, and does not begin the track anew."""
    end = start.end
    if end is None or report.state is not PlaybackState.PLAYING:
        return True
    return report.at - end.at <= LATE_MS and report.position_ms <= end.position_ms


def _play(start: _Started, following: _Started | None) -> Play:
    heard = start.heard
    if heard[-1].state not in _ENDS:
        heard = [*heard, _assumed_end(heard[-1], following)]
    first = start.first
    before = _before(first)
    pairs = pairwise(heard)
    played = before + sum(_heard_between(one, other) for one, other in pairs)
    return Play(
        track=first.track,
        started_at=first.at - round(before / first.rate),
        session=first.session,
        client=first.client,
        ms_played=played,
        reason_end=_reason(heard, played, following),
        counts=played > 0 and not any(each.only_now for each in start.reports),
    )


def _before(first: Report) -> int:
    """What was heard before the first report: nothing, unless the report of the start is missing.

    A track that goes on far from its beginning was started, and counted, before.
    """
    is_start = first.state is PlaybackState.STARTING
    return 0 if is_start or first.position_ms > SHORT_MS else max(first.position_ms, 0)


def _assumed_end(last: Report, following: _Started | None) -> Report:
    """The end of a play whose player did not report it: the next start, or its last report."""
    if following is None or following.first.at > last.at + _patience(last):
        return last._replace(state=PlaybackState.EXPIRED)
    return last._replace(at=following.first.at, state=PlaybackState.STOPPED, position_ms=-1)


def _patience(last: Report) -> int:
    """How long after its last report a play is over without another one."""
    if last.state is PlaybackState.PAUSED:
        return PAUSE_MAX_MS
    return round(_left(last) / last.rate) + SILENCE_MS


def _left(report: Report) -> int:
    """How much of the track is left after a report."""
    length = report.track.duration_ms or UNKNOWN_LENGTH_MS
    return max(0, length - max(report.position_ms, 0))


def _heard_between(one: Report, other: Report) -> int:
    """How much was heard between two reports; an end at position 0 is one at an unknown one."""
    if one.state is PlaybackState.PAUSED:
        return 0
    by_clock = min(max(0, round((other.at - one.at) * one.rate)), _left(one))
    advanced = other.position_ms - max(one.position_ms, 0)
    is_unknown = other.position_ms < (1 if other.state in _ENDS else 0)
    if is_unknown or advanced < 0:
        return 0 if is_unknown and one.state is PlaybackState.STARTING else by_clock
    return min(advanced, by_clock + JITTER_MS)


def _reason(heard: Sequence[Report], played: int, following: _Started | None) -> EndReason:
    last, length = heard[-1], heard[0].track.duration_ms
    if last.completed or (length and length - _reached(heard) <= max(END_MS, length * END_SHARE)):
        return EndReason.DONE
    if last.state is PlaybackState.EXPIRED:
        return EndReason.EXPIRED
    is_other = following is not None and following.first.track.track_id != last.track.track_id
    is_followed = following is not None and following.first.at - last.at <= FOLLOWS_MS
    is_short = bool(length) or played < SHORT_MS
    return EndReason.SKIPPED if is_other and is_followed and is_short else EndReason.STOPPED


def _reached(heard: Sequence[Report]) -> int:
    """The position at the end: the last one's, or where the track has come to since."""
    known = [each.position_ms for each in heard if each.position_ms > 0]
    if heard[-1].position_ms > 0 or len(heard) == 1:
        return max(heard[-1].position_ms, 0)
    return (known[-1] if known else 0) + _heard_between(heard[-2], heard[-1])


def _settles_at(start: _Started, following: _Started | None, received: dict[Report, int]) -> int:
    """When the reports of a start are not waited for any more."""
    if following is not None:
        arrivals = _arrivals([*start.reports, following.first], received)
        return max(arrivals) + SETTLES_MS
    last = max(_arrivals(start.reports, received))
    return last + (SETTLES_MS if start.end is not None else _patience(start.reports[-1]))


def _arrivals(reports: Sequence[Report], received: dict[Report, int]) -> Iterator[int]:
    return (received[each] for each in reports)
