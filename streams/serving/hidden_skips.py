"""Skips that scrobblers hide, as far as `playing_now` submissions show them. Pure.

A scrobbler says what plays now, and submits what was heard for long enough. So a track that gave
way to another one before it could count, and is no listen of anybody's, was skipped, it seems. That
is weak: a player may have been at its end, or the network away. Such a skip is an event of its own
kind, from which no model learns unless its configuration says so.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from streams.folding.rewards import FULL_LISTEN_MS, SHORT_PLAY_MS
from streams.serving.listen_events import source_of
from streams.serving.playback import PlaybackState, PlayedTrack, Report, Settled
from streams.serving.playback_events import described
from streams.serving.submissions import Listen
from topics.identity import event_id_of, track_id_of
from topics.listening_event import EventKind, ListeningEvent

SOURCE = "hidden-skip"
WAITS_MS = 120_000
"""How long the listen of a track may be late after the next one has begun."""
FORGOTTEN_MS = 30 * 60_000
"""After so long without another submission, what played was played to its end."""
SCROBBLED_BEFORE_MS = 10 * 60_000
"""By how much a track's listen may come before it is said to play: some clients do it so."""


class HiddenSkip(NamedTuple):
    """A track that played for less than it takes to count. Times in ms."""

    track: PlayedTrack
    source: str
    at: int
    ms_played: int

    @property
    def between(self) -> tuple[int, int]:
        """A listen of the track that began between these, both exclusive, is of the same play."""
        return self.at - SCROBBLED_BEFORE_MS, self.at + self.ms_played + WAITS_MS


def now_report(listen: Listen, user_agent: str, now: int) -> Report:
    """What a person's client says that it plays, as a report."""
    track = PlayedTrack(
        track_id_of(listen.artist_name, listen.track_name) or "",
        listen.artist_name,
        listen.track_name,
        listen.release_name or "",
        listen.duration_ms or 0,
        listen.recording_mbid or "",
    )
    return Report(now, PlaybackState.PLAYING, -1, track, client=source_of(listen, user_agent))


def hidden_skips(reports: Collection[Report], now: int) -> tuple[list[HiddenSkip], Settled]:
    """What seems to have been skipped among what one client said to play, and what is done."""
    skips: list[HiddenSkip] = []
    done: list[Report] = []
    runs = [*_runs(sorted(reports))]
    for at, run in enumerate(runs):
        following = runs[at + 1][0] if at + 1 < len(runs) else None
        due_at = run[-1].at + FORGOTTEN_MS if following is None else following.at + WAITS_MS
        if due_at > now:
            return skips, Settled([], done, 0, due_at)
        done += run
        if following is not None and _is_skip(run[0], following):
            one = run[0]
            skips.append(HiddenSkip(one.track, one.client, one.at, following.at - one.at))
    return skips, Settled([], done, 0, None)


def _runs(reports: Sequence[Report]) -> Iterator[list[Report]]:
    """The reports of each track that played: some clients say it again and again."""
    run: list[Report] = []
    for report in reports:
        if run and run[-1].track.track_id != report.track.track_id:
            yield run
            run = []
        run.append(report)
    if run:
        yield run


def _is_skip(one: Report, following: Report) -> bool:
    """Whether the next track came before this one could count (ListenBrainz' rule)."""
    length = one.track.duration_ms
    enough = min(length / 2, FULL_LISTEN_MS) if length else SHORT_PLAY_MS
    return following.at - one.at < enough


def event_of_skip(listener_id: str, skip: HiddenSkip) -> ListeningEvent:
    """The SKIP event; its id follows from the skip, so that it is the same if it comes again."""
    what = f"{skip.source}\x00{skip.track.track_id}"
    return ListeningEvent(
        event_id=event_id_of(SOURCE, listener_id, what, skip.at, None),
        listener_id=listener_id,
        kind=EventKind.SKIP,
        source=skip.source,
        listened_at=skip.at,
        ms_played=skip.ms_played,
        **described(skip.track),
    )
