"""The first blend once more, from its description: whole histories, dictionaries, no bookkeeping.

Sums are made in the order that the description gives, so that scores are equal to the last bit.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import isnan, sqrt

from online_models.base import Signal
from tests.support.rankers import MINUTE_MS, Row

BREAK_MS = 30 * MINUTE_MS
HATED_MAX, RING_MAX, FOLLOWERS_MAX, CHART_MAX, EVALUATED_MAX = 16, 64, 32, 40, 20


@dataclass
class _Followers:
    """What came after one track: [weight, follower], heaviest first."""

    entries: list[list[float]] = field(default_factory=list)
    mass: float = 0.0
    scale: float = 1.0

    def add(self, follower: int, gain: float, fading: float) -> None:
        self.scale /= fading
        self.mass += gain * self.scale
        entry = next((each for each in self.entries if each[1] == follower), None)
        if entry is None:
            del self.entries[FOLLOWERS_MAX - 1 :]
            entry = [0.0, follower]
            self.entries.append(entry)
        entry[0] += gain * self.scale
        self.entries.sort(key=lambda each: -each[0])

    def shares(self) -> dict[int, float]:
        total = self.mass + 6.0 * self.scale
        return {int(follower): weight / total for weight, follower in self.entries}


@dataclass
class _Listener:
    """Everything that one listener did, in the order in which it came."""

    in_time: list[tuple[int, int]] = field(default_factory=list)  # (at_ms, track)
    late: list[tuple[int, int]] = field(default_factory=list)
    ring: list[tuple[int, int]] = field(default_factory=list)  # (second, track), by time
    hated: list[int] = field(default_factory=list)
    playing: int | None = None

    @property
    def newest_ms(self) -> int:
        return self.in_time[-1][0] if self.in_time else -1

    def last(self) -> list[int]:
        return [track for _, track in self.in_time[:-4:-1]]

    def session(self, at_ms: int) -> list[int]:
        """The last tracks, newest first, up to the first break before `at_ms`."""
        tracks = []
        for played_ms, track in self.in_time[:-4:-1]:
            if at_ms - played_ms > BREAK_MS:
                break
            tracks.append(track)
            at_ms = played_ms
        return tracks


class NaiveBlend:
    """Ids are texts; codes are given by first appearance, as the order of equals hangs on them."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.listeners: dict[str, _Listener] = defaultdict(_Listener)
        self.after: dict[int, _Followers] = defaultdict(_Followers)
        self.played: dict[int, float] = defaultdict(float)
        self.scale = 1.0

    # -- ranking ---------------------------------------------------------------------------

    def recommend(self, user: str, arriving: int | None = None) -> list[tuple[str, float, str]]:
        """(item, score, reason) of every candidate, best first."""
        listener = self.listeners[user]
        last = listener.last()
        if listener.playing is not None and listener.playing != arriving:
            last = [listener.playing, *last][:3]
        parts = self._parts(listener, last)
        scored = [(sum(parts[code]), code) for code in parts if code not in listener.hated]
        names, texts = ("transition", "own", "popular"), list(self.codes)
        return [
            (texts[code], score, names[parts[code].index(max(parts[code]))])
            for score, code in sorted(scored, key=lambda each: (-each[0], each[1]))
        ]

    def _parts(self, listener: _Listener, last: list[int]) -> dict[int, list[float]]:
        shares = [self.after[track].shares() for track in last]
        chart = sorted(self.played, key=lambda code: (-self.played[code], code))[:CHART_MAX]
        codes = {*chart, *(track for _, track in listener.ring)}.union(*shares[:2])
        own = {code: self._own(listener, code, last) for code in codes}
        return {
            code: [self._transition(shares, code), own[code], self._popular(code)] for code in codes
        }

    def _transition(self, shares: list[dict[int, float]], code: int) -> float:
        part = 0.0
        for weight, share in zip((2.0, 1.0, 0.6), shares, strict=False):
            part += weight * sqrt(share.get(code, 0.0))
        return part

    def _own(self, listener: _Listener, code: int, last: list[int]) -> float:
        tracks = [track for _, track in reversed(listener.ring)]  # newest first
        part = 0.5 / sqrt(tracks.index(code) + 2.0) if code in tracks else 0.0
        part += 0.15 * sqrt(tracks.count(code))
        followed = 0.0
        if last:
            occasions = [at for at in range(1, len(tracks)) if tracks[at] == last[0]]
            for n, at in enumerate(occasions):
                followed += 1.0 / (1.0 + n) if tracks[at - 1] == code else 0.0
        part += 1.5 * (followed / (followed + 1.0))
        return part + (-0.4 if last and code == last[0] else 0.0)

    def _popular(self, code: int) -> float:
        played = self.played[code] / self.scale if code in self.played else 0.0
        return 0.13 * (played / (played + 10.0))

    # -- learning --------------------------------------------------------------------------

    def learn(self, row: Row) -> int:
        """Returns the rank that the row's item had before, -1 if it had none or is no LISTEN."""
        code = self.codes.setdefault(row.item, len(self.codes))
        listener = self.listeners[row.user]
        if row.signal != Signal.LISTEN:
            self._hear(listener, row, code)
            return -1
        listed = [item for item, _, _ in self.recommend(row.user, code)[:EVALUATED_MAX]]
        self._play(listener, row, code)
        return listed.index(row.item) if row.item in listed else -1

    def _hear(self, listener: _Listener, row: Row, code: int) -> None:
        if row.signal == Signal.NOW_PLAYING:
            if row.at_ms >= listener.newest_ms:
                listener.playing = code
        elif row.signal == Signal.RETRACT:
            self._take_back(listener, row.at_ms // 1000, code)
        else:
            kept = [each for each in listener.hated if each != code]
            listener.hated = [*kept, code][-HATED_MAX:] if row.signal == Signal.HATE else kept

    def _take_back(self, listener: _Listener, second: int, code: int) -> None:
        plays = [at for at, (_, track) in enumerate(listener.ring) if track == code]
        exact = [at for at in plays if listener.ring[at][0] == second]
        if plays:
            del listener.ring[(exact or plays)[-1]]

    def _play(self, listener: _Listener, row: Row, code: int) -> None:
        gain = 1.0 if isnan(row.y) else max(row.y, 0.0)
        if row.at_ms < listener.newest_ms:
            self._teach_late(listener, row.at_ms, code, gain)
            listener.late.append((row.at_ms, code))
        else:
            self._teach(listener, row.at_ms, code, gain)
            listener.in_time.append((row.at_ms, code))
            listener.playing = None
        if gain > 0.0:
            listener.ring.append((row.at_ms // 1000, code))
            listener.ring.sort(key=lambda play: play[0])
            del listener.ring[:-RING_MAX]
            self.scale *= 1.00005
            self.played[code] += gain * self.scale

    def _teach(self, listener: _Listener, at_ms: int, code: int, gain: float) -> None:
        if gain <= 0.0 or not listener.in_time:
            return
        session = listener.session(at_ms)
        if not session:
            self.after[listener.last()[0]].add(code, gain * 0.3, 0.98)
        for step, track in enumerate(session):
            self.after[track].add(code, gain / (step + 1) ** 2, 1.0 if step else 0.98)

    def _teach_late(self, listener: _Listener, at_ms: int, code: int, gain: float) -> None:
        if gain > 0.0 and listener.late:
            before_ms, before = listener.late[-1]
            if 0 <= at_ms - before_ms <= BREAK_MS:
                self.after[before].add(code, gain, 0.98)
