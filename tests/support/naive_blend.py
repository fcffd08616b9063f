"""A naive implementation of the blend from its description: whole histories and dictionaries.

Weights and situations are keyed by what they mean, logarithms are the C library's. Only the order
of sums is that of the description, so that scores are equal up to rounding.
"""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from math import exp, isnan, log, sqrt
from typing import Any

import numpy as np

from online_models.base import Signal
from online_models.blend.blend_config import BlendConfig
from online_models.blend.candidates import features as f
from tests.support.rankers import MINUTE_MS, Row

BREAK_MS, BREAK_S = 30 * MINUTE_MS, 30 * 60
DISMISSED_S = 7 * 86_400
F32 = np.float32
COUNTS = [0.0, 0.3, 0.75, 1.5, 2.5, 5.0, 12.0]
SHARES = [0.0, 0.07, 0.15, 0.3, 0.5, 0.7]
AGES = [600, 3600, 6 * 3600, 86400, 3 * 86400, 7 * 86400, 30 * 86400]
GAPS = [1, 2, 3, 5, 8, 12, 16, 20, 30, 50, 80, 128, 256, 512]
Weights = dict[Any, list[float]]


def level(cuts: list[float], amount: float) -> int:
    return bisect_left(cuts, amount)


def log_share(weight: float, total: float) -> float:
    return log(1e-4 + weight / total) + 9.21


@dataclass
class _Row:
    """Entries [weight, item], heaviest first; single precision."""

    width: int
    entries: list[list[Any]] = field(default_factory=list)
    sum: Any = field(default_factory=lambda: F32(0))
    unit: Any = field(default_factory=lambda: F32(1))

    def add(self, item: int, value: float, fading: float) -> None:
        if self.entries:
            self.unit = F32(float(self.unit) / fading)
        added = F32(value * float(self.unit))
        self.sum += added
        entry = next((each for each in self.entries if each[1] == item), None)
        if entry is None:
            del self.entries[self.width - 1 :]
            entry = [F32(0), item]
            self.entries.append(entry)
        entry[0] += added
        self.entries.sort(key=lambda each: -each[0])

    def mass(self) -> float:
        return float(self.sum) / float(self.unit) if self.entries else 0.0


@dataclass
class _Listener:
    last: list[int] = field(default_factory=list)  # the last three tracks, newest first
    linked: int = 0  # how many of them belong to the session
    newest_ms: int = 0
    late: list[tuple[int, int]] = field(default_factory=list)
    ring: list[tuple[int, int]] = field(default_factory=list)  # (second, track), by time
    hated: list[int] = field(default_factory=list)
    loved: list[int] = field(default_factory=list)
    dismissed: dict[int, int] = field(default_factory=dict)  # track: second
    playing: int | None = None
    outcomes: list[int] = field(default_factory=lambda: [0, 0])
    repeats: list[bool] = field(default_factory=list)
    session: list[int] | None = None
    offsets: Any = field(default_factory=lambda: [F32(0)] * f.FEATURES)
    squares: Any = field(default_factory=lambda: [F32(0)] * f.FEATURES)

    def before(self, arriving: int | None) -> list[int]:
        """The last three tracks, newest first."""
        playing = [] if self.playing in (None, arriving) else [self.playing]
        return [*playing, *self.last][:3]

    def recent(self, arriving: int | None) -> list[tuple[int, int]]:
        """(second, track), newest first."""
        plays = self.ring[::-1]
        if self.playing not in (None, arriving):
            plays.insert(0, (plays[0][0] if plays else 0, self.playing))
        return plays


def session_length(recent: list[tuple[int, int]]) -> int:
    length = min(len(recent), 1)
    while length < len(recent) and recent[length - 1][0] - recent[length][0] <= BREAK_S:
        length += 1
    return length


class Candidate:
    """A candidate: its features, traits and score."""

    def __init__(self, item: int) -> None:
        self.item = item
        self.x = [0.0] * f.FEATURES
        self.traits: dict[int, int] = defaultdict(int)
        self.score = 0.0
        self.cells: list[Any] = []


class NaiveBlend:
    """Ids are texts; codes are given by first appearance, because ties are in their order."""

    def __init__(self, config: BlendConfig) -> None:
        self.config = config
        self.codes: dict[str, int] = {}
        self.artist_codes: dict[str, int] = {}
        self.listeners: dict[str, _Listener] = defaultdict(_Listener)
        self.after: dict[int, _Row] = defaultdict(lambda: _Row(32))
        self.grams: dict[tuple[int, ...], _Row] = defaultdict(lambda: _Row(8))
        self.cooccurrence: dict[int, _Row] = defaultdict(lambda: _Row(62))
        self.next_artist: dict[int, _Row] = defaultdict(lambda: _Row(32))
        self.postings: dict[int, list[tuple[list[int], int]]] = defaultdict(list)
        self.played: dict[int, Any] = defaultdict(lambda: F32(0))
        self.artist_played: dict[int, Any] = defaultdict(lambda: F32(0))
        self.artist_of: dict[int, int] = {}
        self.artist_tracks: dict[int, list[int]] = defaultdict(list)
        self.scale = 1.0
        self.plays = 0
        self.sessions: list[list[int]] = []
        self.weights: Weights = defaultdict(lambda: [0.0] * f.FEATURES)
        self.squares: Weights = defaultdict(lambda: [0.0] * f.FEATURES)
        self.cells: dict[Any, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.start = dict(config.start)

    # -- candidates ------------------------------------------------------------------------

    def candidates(self, who: _Listener, arriving: int | None) -> tuple[list[Candidate], Any]:
        """The survivors in the order of proposal, scored, and the situation."""
        found: dict[int, Candidate] = {}

        def propose(item: int, source: int) -> Candidate:
            candidate = found.setdefault(item, Candidate(item))
            candidate.traits[f.SOURCES] |= source
            return candidate

        last, recent = who.before(arriving), who.recent(arriving)
        facts: dict[str, Any] = defaultdict(int)
        wide: dict[int, tuple[float, int]] = {}
        near: dict[int, list[float]] = {}
        artist = None
        if last:
            self._sequences(propose, last, facts)
            if self.config.has("cooccurrence"):
                wide = self._wide(recent)
                best = sorted(wide, key=lambda item: (-wide[item][0], item))[: self.config.wide]
                for item in [item for item in wide if item in best]:
                    propose(item, 8)
            if self.config.has("neighbours"):
                near = self._near(recent, who.session)
                best = sorted(near, key=lambda item: (-near[item][0], item))[: self.config.near]
                for item in [item for item in near if item in best]:
                    propose(item, 16)
            artist = self._artists(propose, last, facts)
            self._own_proposals(propose, recent, last)
            facts["twice"] = len(last) > 1 and last[0] == last[1]
        for item in self._chart(self.played, 40):
            propose(item, 256)
        self._loved_proposals(propose, who)
        listed = list(found.values())
        self._describe_own(found, recent)
        self._describe_sums(found, wide, near)
        if self.config.has("cooccurrence"):
            self._describe_older_and_reverse(listed, [track for _, track in recent])
        self._describe_artists(listed, recent, artist)
        for each in listed:
            played = float(self.played[each.item]) / self.scale
            each.x[f.POPULAR] = log(min(30.0, 1.0 + played))
            each.x[f.POPULAR_SHARE] = played / (played + 10.0)
        self._facts(who, recent, facts)
        return self._scored(who, listed, facts), (facts, found)

    def _sequences(self, propose: Any, last: list[int], facts: Any) -> None:
        for step, track in enumerate(last):
            row = self.after[track]
            for at, (weight, item) in enumerate(row.entries):
                each = propose(item, 2 if step else 1)
                each.x[f.T1 + step] = log_share(
                    float(weight), float(row.sum) + 2.0 * float(row.unit)
                )
                if step == 0:
                    each.x[f.FOLLOWS] = 1.0
                    each.traits[f.SLOT_T] = 1 + level([1, 2, 4, 8, 16, 32], at + 1)
                if step < 2:
                    trait = f.COUNT_T2 if step else f.COUNT_T
                    each.traits[trait] = level(COUNTS, float(weight) / float(row.unit))
        facts["mass t"] = level([1.0, 4.0, 16.0], self.after[last[0]].mass())
        for order in (2, 3):
            key = tuple(last[:order])
            if len(key) < order or key not in self.grams:
                continue
            row = self.grams[key]
            total = float(row.sum) + 0.5 * float(row.unit)
            for at, (weight, item) in enumerate(row.entries):
                each = propose(item, 4)
                each.x[f.BIGRAM if order == 2 else f.TRIGRAM] = log_share(float(weight), total)
                if order == 2:
                    each.traits[f.SLOT_BI] = min(1 + level([1, 2, 4, 8], at + 1), 4)
                    count = float(weight) / float(row.unit)
                    each.traits[f.COUNT_BI] = level(COUNTS, count)
                else:
                    each.traits[f.SLOT_TRI] = 1
            facts["bigram" if order == 2 else "trigram"] = 1
            if order == 2:
                facts["mass bi"] = level([0.0, 1.5, 4.0], row.mass())

    def _wide(self, recent: list[tuple[int, int]]) -> dict[int, tuple[float, int]]:
        """By track: (sum, number of the last plays with which it co-occurs)."""
        sums: dict[int, tuple[float, int]] = {}
        for k, (_, track) in enumerate(recent[:8]):
            row = self.cooccurrence[track]
            norm = 1.0 / (float(row.unit) * (k + 1.0) * sqrt(row.mass() + 1.0))
            for weight, item in row.entries:
                value, times = sums.get(item, (0.0, 0))
                sums[item] = (value + float(weight) * norm, times + 1)
        return sums

    def _near(self, recent: list[tuple[int, int]], mine: list[int] | None) -> Any:
        """By track: [sum, sum over tracks that came after, number of terms]."""
        likes: dict[int, list[Any]] = {}
        for k, (_, track) in enumerate(recent[: min(session_length(recent), 10)]):
            for session, place in reversed(self.postings[track][-32:]):
                if session is not mine:
                    like = likes.setdefault(id(session), [0.0, place, session])
                    like[0] += 1.0 / sqrt(k + 1.0)
        numbers = {id(session): n for n, session in enumerate(self.sessions)}
        best = sorted(likes, key=lambda key: (-likes[key][0], numbers[key]))[:100]
        sums: dict[int, list[float]] = {}
        for key, (like, mark, session) in likes.items():
            for place, track in enumerate(session if key in best else []):
                if place != mark:
                    value = like * (1.0 / sqrt(abs(place - mark)))
                    both = sums.setdefault(track, [0.0, 0.0, 0])
                    both[0] += value
                    both[1] += value if place > mark else 0.0
                    both[2] += 1
        return sums

    def _artists(self, propose: Any, last: list[int], facts: Any) -> int | None:
        artist = self.artist_of.get(last[0])
        if artist is None or not self.config.has("artists"):
            return None
        for track in self.artist_tracks[artist][:32]:
            propose(track, 32)
        for _, other in self.next_artist[artist].entries[:8]:
            for track in self.artist_tracks[other][:4] if other != artist else []:
                propose(track, 512)
        facts["artist twice"] = len(last) > 1 and self.artist_of.get(last[1]) == artist
        return artist

    def _own_proposals(self, propose: Any, recent: list[tuple[int, int]], last: list[int]) -> None:
        tracks = [track for _, track in recent]
        for track in tracks[: self.config.own]:
            propose(track, 64)
        times_2 = 0
        places = [k for k in range(1, len(tracks)) if tracks[k] == last[0]]
        for times, k in enumerate(places):
            each = propose(tracks[k - 1], 128)
            each.x[f.OWN_NEXT] += 1.0 / (1.0 + times)
            if len(last) > 1 and k + 1 < len(tracks) and tracks[k + 1] == last[1]:
                each.x[f.OWN_NEXT_2] += 1.0 / (1.0 + times_2)
                times_2 += 1

    def _loved_proposals(self, propose: Any, who: _Listener) -> None:
        for item in who.loved[-64:] if self.config.has("own") else []:
            propose(item, 64).x[f.LOVED] = 1.0

    def _describe_own(self, found: dict[int, Candidate], recent: list[tuple[int, int]]) -> None:
        tracks, length = [track for _, track in recent], session_length(recent)
        for item in [item for item in found if item in tracks]:
            x, traits = found[item].x, found[item].traits
            places = [k for k, track in enumerate(tracks) if track == item]
            k = places[0]
            x[f.IS_OWN], x[f.COUNT], x[f.RECENCY] = 1.0, log(1 + len(places)), 6.0 - log(k + 2)
            total = 0.0
            for place in places:
                total += 1.0 / sqrt(place + 1.0)
            x[f.RECENCIES] = log(0.01 + total) + 4.6
            x[f.NEWEST], x[f.LAST_10], x[f.LAST_50] = float(k < 1), float(k < 10), float(k < 50)
            x[f.IN_SESSION] = float(k < length)
            v, v_2 = x[f.OWN_NEXT], x[f.OWN_NEXT_2]
            x[f.OWN_NEXT] = 2.0 * log(1.0 + 4.0 * v)
            x[f.OWN_NEXT_2] = 2.0 * log(1.0 + 4.0 * v_2)
            traits[f.GAP] = 1 + level(GAPS, k + 1)
            traits[f.OWN_COUNT] = level(COUNTS, len(places))
            traits[f.KIND] = (1 if k < length else 2) + 2 * level([0.0, 1.0], v)
            traits[f.NEXT_2] = level([0.0, 1.0], v_2)
            traits[f.AGE] = 1 + level(AGES, recent[0][0] - recent[k][0])

    def _describe_sums(self, found: dict[int, Candidate], wide: Any, near: Any) -> None:
        for item in [item for item in found if item in wide]:
            value, times = wide[item]
            share = value / max(value for value, _ in wide.values())
            found[item].x[f.WIDE] = log(0.001 + share) + 6.91
            found[item].x[f.WIDE_RAW] = log(0.001 + value) + 6.91
            found[item].x[f.WIDE_SUPPORT] = log(1 + times)
            found[item].traits[f.WIDE_COUNT] = times
            found[item].traits[f.WIDE_LEVEL] = level(SHARES, share)
        for item in [item for item in found if item in near]:
            found[item].x[f.NEAR_SUPPORT] = log(1 + near[item][2])
            for part, feature, trait in (
                (0, f.NEAR, f.NEAR_LEVEL),
                (1, f.NEAR_AFTER, f.AFTER_LEVEL),
            ):
                if near[item][part] > 0.0:
                    share = near[item][part] / max(sums[part] for sums in near.values())
                    found[item].x[feature] = log(0.001 + share) + 6.91
                    found[item].traits[trait] = level(SHARES, share)

    def _describe_older_and_reverse(self, listed: list[Candidate], tracks: list[int]) -> None:
        older: dict[int, float] = defaultdict(float)
        for row in [self.cooccurrence[track] for track in tracks[8 : self.config.older]]:
            for weight, item in row.entries:
                norm = 1.0 / (float(row.unit) * sqrt(row.mass() + 1.0))
                older[item] += float(weight) * norm
        for each in listed:
            if each.item in older:
                each.x[f.WIDE_OLDER] = log(0.001 + older[each.item]) + 6.91
            row = self.cooccurrence[each.item]
            best = row.entries[: self.config.company]
            met = [(float(weight), item) for weight, item in best if item in tracks[:8]]
            if met and each.traits[f.WIDE_COUNT]:
                value = sum(weight / (tracks.index(item) + 1.0) for weight, item in met)
                total = float(row.sum) + 2.0 * float(row.unit)
                each.x[f.COMPANY] = log(0.001 + value / total) + 6.91
                each.x[f.COMPANY_SUPPORT] = log(1 + len(met))
                each.traits[f.COMPANY_COUNT] = min(len(met), 6)

    def _describe_artists(
        self, listed: list[Candidate], recent: list[tuple[int, int]], artist: int | None
    ) -> None:
        played_artists = [self.artist_of.get(track) for _, track in recent[:64]]
        row = self.next_artist[artist] if artist is not None else _Row(32)
        shares = {
            other: float(F32(log_share(float(weight), float(row.sum) + 5.0 * float(row.unit))))
            for weight, other in row.entries
        }
        for each in [each for each in listed if each.item in self.artist_of]:
            its = self.artist_of[each.item]
            each.x[f.SAME_ARTIST] = float(its == artist)
            each.traits[f.OF_ARTIST] = int(its == artist)
            each.x[f.ARTIST_NEXT] = shares.get(its, 0.0)
            each.traits[f.ARTIST_LEVEL] = level([0.0, 1.2, 2.1], shares.get(its, 0.0))
            each.x[f.ARTIST_PLAYS] = log(1 + played_artists.count(its))
            if self.artist_played[its] > 0:
                share = float(self.played[each.item]) / float(self.artist_played[its])
                each.x[f.ARTIST_SHARE] = share

    def _facts(self, who: _Listener, recent: list[tuple[int, int]], facts: Any) -> None:
        tracks, length = [track for _, track in recent], session_length(recent)
        again = tracks.index(tracks[0], 1) if tracks[:1] and tracks[0] in tracks[1:] else None
        facts["own next"], facts["repeated"] = again is not None, (again or 10**6) < length
        facts["place"], facts["held"] = level([1, 3, 8], length), level([10, 30, 100], len(tracks))
        facts["outcomes"] = tuple(who.outcomes)
        facts["repeats"] = level([0, 3, 7], sum(who.repeats[-10:]))
        artists = [self.artist_of.get(track) for track in tracks[:64]]
        run = 0
        while run < len(artists) and artists[0] is not None and artists[run] == artists[0]:
            run += 1
        facts["run"] = level([1, 3, 7], run)
        if len(recent) > 1:
            play_s = recent[0][0] - recent[1][0]
            facts["play time"] = level([-0.5, 30, 120, 300, 1800], play_s)

    # -- scores ----------------------------------------------------------------------------

    def _keys(self, facts: Any) -> list[Any]:
        known = (facts["own next"], facts["bigram"], facts["repeated"])
        masses = (facts["mass t"], facts["mass bi"], facts["trigram"], facts["artist twice"])
        place = (facts["place"], facts["held"], facts["twice"])
        situations = [(), known, masses, facts["outcomes"], place, (facts["run"], facts["repeats"])]
        return list(enumerate(situations))

    def _scored(self, who: _Listener, listed: list[Candidate], facts: Any) -> list[Candidate]:
        weights = [self.start.get(feature, 0.0) for feature in range(f.FEATURES)]
        for key in self._keys(facts):
            weights = [a + b for a, b in zip(weights, self.weights[key], strict=True)]
        weights = [a + float(b) for a, b in zip(weights, who.offsets, strict=True)]
        self.latest_weights = weights
        away_s = who.newest_ms // 1000 - DISMISSED_S
        unwanted = {*who.hated, *(item for item, at_s in who.dismissed.items() if at_s > away_s)}
        listed = [each for each in listed if each.item not in unwanted]
        for each in listed:
            each.score = 0.0
            for weight, x in zip(weights, each.x, strict=True):
                each.score += weight * x
        best = sorted(listed, key=lambda each: (-each.score, each.item))[: self.config.survivors]
        kept = {each.item for each in best}
        survivors = [each for each in listed if each.item in kept]
        for each in survivors:
            each.cells = self._cells(each.traits, facts)[: self.config.tables]
            for cell in each.cells:
                each.score += self.cells[cell][0]
        return survivors

    def _cells(self, t: dict[int, int], facts: Any) -> list[Any]:
        outcome, mass = facts["outcomes"][0], facts["mass t"]
        known = (facts["own next"], facts["bigram"], facts["repeated"])
        keys: list[tuple[Any, ...]] = [
            (t[f.COUNT_T], t[f.SLOT_T], mass, t[f.SLOT_BI] > 0),
            (t[f.SLOT_BI], t[f.COUNT_BI], facts["mass bi"], t[f.NEXT_2]),
            (t[f.SOURCES], t[f.OF_ARTIST], known),
            (t[f.GAP], t[f.OWN_COUNT], t[f.KIND], outcome),
            (t[f.WIDE_LEVEL], t[f.SLOT_T], t[f.SLOT_BI]),
            (t[f.OF_ARTIST], t[f.ARTIST_LEVEL], t[f.GAP] > 0, t[f.SLOT_T], outcome),
            (t[f.SLOT_T], t[f.COUNT_T2], outcome),
            (t[f.GAP], facts["repeated"], facts["place"], outcome),
            (t[f.KIND], t[f.NEXT_2], t[f.SLOT_TRI], t[f.SLOT_BI], t[f.SLOT_T]),
            (t[f.OWN_COUNT], t[f.GAP], mass, t[f.ARTIST_LEVEL], t[f.OF_ARTIST]),
            (t[f.WIDE_COUNT], t[f.WIDE_LEVEL], t[f.SLOT_T], t[f.GAP] > 0),
            (t[f.GAP], t[f.AGE], t[f.OWN_COUNT]),
            (facts["play time"], t[f.KIND], t[f.SLOT_T]),
            (t[f.NEAR_LEVEL], t[f.WIDE_LEVEL], t[f.SLOT_T]),
            (t[f.AFTER_LEVEL], t[f.KIND], t[f.SLOT_BI]),
            (facts["run"], t[f.OF_ARTIST], t[f.GAP], t[f.ARTIST_LEVEL]),
            (t[f.WIDE_COUNT], t[f.COMPANY_COUNT], t[f.GAP] > 0, t[f.NEAR_LEVEL]),
        ]
        return list(enumerate(keys))

    def recommend(self, user: str) -> list[tuple[str, float]]:
        survivors, _ = self.candidates(self.listeners.get(user, _Listener()), None)
        names = {code: name for name, code in self.codes.items()}
        best = sorted(survivors, key=lambda each: (-each.score, each.item))
        return [(names[each.item], each.score) for each in best]

    # -- learning --------------------------------------------------------------------------

    def learn(self, row: Row) -> int:
        """Returns the rank that the row's item had before, -1 if it had none or is no LISTEN."""
        code = self.codes.setdefault(row.item, len(self.codes))
        artist = None
        if row.group is not None:
            artist = self.artist_codes.setdefault(row.group, len(self.artist_codes))
        who = self.listeners[row.user]
        if row.signal != Signal.LISTEN:
            self._introduce(code, artist)
            self._apply_signal(who, row, code)
            return -1
        is_in_time = row.at_ms >= who.newest_ms
        rank = self._rank_and_update(who, code, is_in_time)
        if artist is not None:
            self.artist_of[code] = artist
        self._play(who, row, code, is_in_time)
        return rank if rank < 20 else -1

    def _rank_and_update(self, who: _Listener, code: int, is_in_time: bool) -> int:
        survivors, (facts, found) = self.candidates(who, code)
        order = sorted(survivors, key=lambda each: (-each.score, each.item))
        items = [each.item for each in order]
        rank = items.index(code) if code in items else -1
        every, self.plays = self.config.blend_every, self.plays + is_in_time
        if is_in_time and every and (self.plays - 1) % every == 0:
            if rank >= 0:
                self._update_weights(who, survivors, code, facts)
            outcome = 1 if code in found else 0
            if 0 <= rank < 20:
                outcome = 4 if rank == 0 else 3 if rank < 5 else 2
            who.outcomes = [outcome, who.outcomes[0]]
        return rank

    def _update_weights(
        self, who: _Listener, survivors: list[Candidate], code: int, facts: Any
    ) -> None:
        best = max(each.score for each in survivors)
        differences = [each.score - best for each in survivors]
        shares = [float(exp(x)) if x > -12.0 else 0.0 for x in differences]
        total = sum(shares)
        gradient = [0.0] * f.FEATURES
        for each, share in zip(survivors, shares, strict=True):
            if share / total <= 0.0002 and each.item != code:
                continue
            g = (each.item == code) - share / total
            gradient = [a + g * x for a, x in zip(gradient, each.x, strict=True)]
            for cell in each.cells:
                both = self.cells[cell]
                both[1] += g * g
                both[0] += self.config.cell_rate * g / sqrt(both[1] + 0.01)
        for at, g in enumerate(gradient):
            for key in self._keys(facts):
                self.squares[key][at] += g * g
                step = self.config.rate * g / sqrt(self.squares[key][at] + 0.01)
                self.weights[key][at] += step
            if self.config.has("leanings"):
                who.squares[at] = F32(float(who.squares[at]) + g * g)
                step = self.config.rate * g / sqrt(float(who.squares[at]) + 0.01)
                who.offsets[at] = F32(float(who.offsets[at]) + step)

    def _introduce(self, code: int, artist: int | None) -> None:
        if artist is not None and code not in self.artist_of and self.config.has("artists"):
            self.artist_of[code] = artist
            self._chart_artist(artist, code)

    def _apply_signal(self, who: _Listener, row: Row, code: int) -> None:
        if row.signal == Signal.NOW_PLAYING:
            if row.at_ms >= who.newest_ms:
                who.playing = code
        elif row.signal == Signal.RETRACT:
            plays = [at for at, (_, track) in enumerate(who.ring) if track == code]
            exact = [at for at in plays if who.ring[at][0] == row.at_ms // 1000]
            if plays:
                del who.ring[(exact or plays)[-1]]
            if who.last[:1] == [code] and who.newest_ms == row.at_ms:
                who.last, who.linked = who.last[1:], max(who.linked - 1, 0)
        elif row.signal == Signal.DISMISS:
            who.dismissed[code] = row.at_ms // 1000
        elif row.signal == Signal.SKIP:
            at_s = row.at_ms // 1000 - DISMISSED_S + self.config.skipped_s
            if self.config.skipped_s:
                who.dismissed[code] = max(at_s, who.dismissed.get(code, 0))
        else:
            who.dismissed.pop(code, None)
            loved = [code] if row.signal == Signal.LOVE else []
            hated = [code] if row.signal == Signal.HATE else []
            who.loved = [*[each for each in who.loved if each != code], *loved]
            who.hated = [*[each for each in who.hated if each != code], *hated]

    def _play(self, who: _Listener, row: Row, code: int, is_in_time: bool) -> None:
        gain = 1.0 if isnan(row.y) else min(max(row.y, 0.0), 1.0)
        if is_in_time:
            if gain > 0.0:
                self._learn_order(who, row.at_ms, code, gain)
                self._learn_sessions(who, row.at_ms // 1000, code, gain)
            who.repeats.append(code in [track for _, track in who.ring])
            is_over = row.at_ms - who.newest_ms > BREAK_MS
            who.last, who.newest_ms = [code, *who.last][:3], row.at_ms
            who.linked = 1 if is_over else min(who.linked + 1, 3)
            who.playing = None
        else:
            self._learn_late(who, row.at_ms, code, gain)
        who.ring.append((row.at_ms // 1000, code))
        who.ring.sort(key=lambda play: play[0])
        del who.ring[: -self.config.ring]
        if gain > 0.0:
            self._count(code, gain)

    def _learn_order(self, who: _Listener, at_ms: int, code: int, gain: float) -> None:
        last = who.last
        if not last:
            return
        if at_ms - who.newest_ms > BREAK_MS:
            self.after[last[0]].add(code, gain * 0.3, 0.98)
        else:
            for step, track in enumerate(last[: who.linked]):
                self.after[track].add(code, gain / (step + 1) ** 2, 1.0 if step else 0.98)
            before, artist = self.artist_of.get(last[0]), self.artist_of.get(code)
            if before is not None and artist is not None and self.config.has("artists"):
                self.next_artist[before].add(artist, gain, 0.98)
        for order in (2, 3):
            if len(last) >= order:
                self.grams[tuple(last[:order])].add(code, gain, 0.95)

    def _learn_sessions(self, who: _Listener, at_s: int, code: int, gain: float) -> None:
        recent, later_s = who.ring[::-1], at_s
        for k, (second, track) in enumerate(recent[: self.config.window]):
            if later_s - second > 3600:
                break
            later_s = second
            self._pair(track, code, gain / sqrt(k + 1.0))
        is_new = not recent or at_s - recent[0][0] > BREAK_S
        if is_new or who.session is None or len(who.session) == 12:
            who.session = []
            self.sessions.append(who.session)
        self.postings[code].append((who.session, len(who.session)))
        who.session.append(code)

    def _pair(self, item: int, other: int, gain: float) -> None:
        if item != other:
            self.cooccurrence[item].add(other, gain, 0.998)
            self.cooccurrence[other].add(item, gain, 0.998)

    def _learn_late(self, who: _Listener, at_ms: int, code: int, gain: float) -> None:
        if gain > 0.0 and who.late:
            before_ms, before = who.late[-1]
            if 0 <= at_ms - before_ms <= BREAK_MS:
                self.after[before].add(code, gain, 0.98)
                self._pair(before, code, gain)
        who.late.append((at_ms, code))

    def _count(self, code: int, gain: float) -> None:
        self.scale *= 1.00005
        self.played[code] = F32(float(self.played[code]) + gain * self.scale)
        artist = self.artist_of.get(code)
        if artist is not None:
            self.artist_played[artist] = F32(float(self.artist_played[artist]) + gain * self.scale)
            self._chart_artist(artist, code)

    def _chart_artist(self, artist: int, code: int) -> None:
        known = {*self.artist_tracks[artist], code}
        order = sorted(known, key=lambda track: (-self.played[track], track))
        self.artist_tracks[artist] = order[:48]

    def _chart(self, counts: Any, n: int) -> list[int]:
        played = [track for track, count in counts.items() if count > 0]
        return sorted(played, key=lambda track: (-counts[track], track))[:n]
