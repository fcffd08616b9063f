"""A naive twin of the fold, from its description: one row after the other, lists and dictionaries.

Nothing of `streams.folding` is used. Only the model is the real one (`naive_blend` is its twin),
and it learns in portions of another size. The final state is packed into a digest of the same form
as the fold's.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import orjson
import xxhash
from river.drift import ADWIN

from online_models.base import Columns
from online_models.registry import build
from topics.control_records import LogEpochStarted, SourceAdded, SourceTruncated
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord

VERSION = 8
"""`FOLD_VERSION` of the description that this module follows."""
KINDS = (
    *("UNKNOWN", "LISTEN", "NOW_PLAYING", "LOVE", "HATE", "CLEAR", "RETRACT", "ERASE", "KEEP"),
    *("DISMISS", "SKIP"),
)
PLAYS = ("LISTEN", "KEEP")
SIGNALS = ("LISTEN", "NOW_PLAYING", "LOVE", "HATE", "CLEAR", "RETRACT", "DISMISS", "SKIP")
SKIPS = {"fwdbtn", "backbtn", "skipped", "skip", "nextbtn", "clickrow"}
NEAR_MS, FAR_MS = 60_000, 600_000
"""Least and greatest reach of a play."""
SLACK_MS = 5_000
"""Reach beyond the length of the track."""
TENS_MAX = 65_536
"""Maximum number of tens of scored plays; when it is reached, the older half is dropped."""
ALARMS_KEPT = 64
MOVED_MAX = 64
"""Plays that may move to other maskers for one new play, and that play."""
NEVER = -(2**63)
PORTION = 777
ALARM = [("scored", "<i8"), ("at", "<i8"), ("since", "<i8"), ("before", "<f8"), ("after", "<f8")]


class Event(NamedTuple):
    """A row of the log."""

    key: bytes
    kind: str
    listener: str
    track: str | None
    artist: str | None
    source: str
    at_ms: int
    ms_played: int | None
    duration_ms: int | None
    reason_end: str | None


@dataclass(eq=False)
class Remembered:
    """An entry of the deduplication window; listener, track and source are codes."""

    key: bytes
    kind: str
    ms_played: int | None
    at_ms: int
    listener: int
    track: int
    source: int
    reach: int = 0
    """Of a play; it is masked by a play at most that far away."""
    masked_at: int | None = None
    """The time of the play that masks it."""
    is_released: bool = False
    """A KEEP counts in its place."""

    @property
    def counts(self) -> bool:
        return self.kind in PLAYS and self.masked_at is None and not self.is_released


@dataclass
class Hits:
    """Ranks of the played tracks in the lists just before (prequential evaluation)."""

    plays: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=lambda: [0] * 20)
    listens: int = 0
    scored: int = 0
    tens: list[int] = field(default_factory=list)
    """Hits of each ten scored plays since the last change point."""
    open_hits: int = 0
    alarms: list[tuple[int, int, int, float, float]] = field(default_factory=list)
    watch: ADWIN = field(default_factory=lambda: ADWIN(1e-5, clock=1, grace_period=50))

    def note(self, user: int, rank: int, kind: str, offset: int) -> None:
        self.plays.extend([0] * (user + 1 - len(self.plays)))
        if kind != "LISTEN":
            return
        self.listens += 1
        if self.plays[user] >= 5:
            self.scored += 1
            if rank >= 0:
                self.places[rank] += 1
                self.open_hits += 1
            if self.scored % 10 == 0:
                self.note_ten(offset)
        self.plays[user] += 1

    def note_ten(self, offset: int) -> None:
        hits, self.open_hits = self.open_hits, 0
        self.tens.append(hits)
        self.watch.update(hits / 10)
        if self.watch.drift_detected:
            cuts = range(11, len(self.tens) - 9)
            cut = max(cuts, key=lambda at: (self.apart(at), -at))
            before, after = (sum(part) / (10 * len(part)) for part in self.parts(cut))
            if after < before:
                since = self.scored - 10 * (len(self.tens) - cut)
                self.alarms.append((self.scored, offset, since, before, after))
            self.begin([])
        elif len(self.tens) == TENS_MAX:
            self.begin(self.tens[TENS_MAX // 2 :])

    def begin(self, tens: list[int]) -> None:
        self.tens = tens
        self.watch = ADWIN(1e-5, clock=1, grace_period=50)
        for hits in tens:
            self.watch.update(hits / 10)

    def parts(self, cut: int) -> tuple[list[int], list[int]]:
        return self.tens[:cut], self.tens[cut:]

    def apart(self, cut: int) -> float:
        left, right = self.parts(cut)
        difference = abs(sum(left) * len(right) - sum(right) * len(left))
        return difference / sqrt(len(left) * len(right))


def reward_of(event: Event) -> np.float32:
    if event.kind in ("LOVE", "HATE"):
        return np.float32(1 if event.kind == "LOVE" else -1)
    if event.kind not in PLAYS:
        return np.float32("nan")
    if event.ms_played is None:
        return np.float32(1)
    if event.ms_played < 30_000 and event.reason_end in SKIPS:
        return np.float32(-1)
    full = min(np.float32(event.duration_ms or 0) / 2, np.float32(240_000))
    full = full if event.duration_ms else np.float32(30_000)
    return min(np.float32(event.ms_played) / np.float32(full), np.float32(1))


class NaiveFold:
    """The state after the given records; `learnt` are the applied events, in order."""

    def __init__(self, model: dict[str, Any], window: int) -> None:
        self.models = self.built(model)
        self.listeners = self.models[0].users
        self.items, self.groups = self.models[0].items, self.models[0].groups
        for each in self.models:
            each.users, each.items, each.groups = self.listeners, self.items, self.groups
        self.hits = [Hits(), Hits()]
        self.window = window
        self.offset, self.epoch = -1, 0
        self.counts: Counter[str] = Counter()
        self.next: dict[tuple[bytes, int], int] = {}
        self.names: dict[bytes, str] = {}
        self.topics: dict[str, bytes] = {}
        self.erased: dict[bytes, tuple[int, int]] = {}
        self.sources: list[str] = []
        self.masked: Counter[int] = Counter()
        self.remembered: deque[Remembered] = deque()
        self.by_key: dict[tuple[int, bytes], Remembered] = {}
        self.by_track: dict[tuple[int, int], list[Remembered]] = {}
        self.forgotten_until, self.unchecked = NEVER, 0
        self.last_changed: dict[int, int] = {}
        self.newest: dict[int, int] = {}
        self.learnt: list[Event] = []
        self._portion: list[tuple[Event, int, int, int]] = []

    def built(self, model: dict[str, Any]) -> list[Any]:
        """The model and the baseline, both empty."""
        return [build(model), build({"model": "popularity"})]

    def fold(self, records: Iterable[LogRecord]) -> "NaiveFold":
        for record in records:
            self.offset += 1
            if isinstance(record, LearningBatch):
                self.batch(record)
            elif isinstance(record, SourceAdded):
                self.names[record.topic_id] = record.name
                if record.adopted or record.name not in self.topics:
                    self.topics[record.name] = record.topic_id
            elif isinstance(record, SourceTruncated):
                key = (record.topic_id, record.partition)
                known = self.next.get(key, 0)
                self.counts["missed_in_source"] += max(0, record.log_start - known)
                if record.log_start > known:
                    self.next[key] = record.log_start
            elif isinstance(record, LogEpochStarted):
                self.epoch = max(self.epoch, record.epoch)
            else:
                self.counts["stray_in_log"] += 1
        return self

    def batch(self, batch: LearningBatch) -> None:
        topic_id = batch.source.topic_id
        key = (topic_id, batch.source.partition)
        due = self.next.get(key, 0)
        if topic_id in self.names and self.topics[self.names[topic_id]] != topic_id:
            self.counts["batches_not_adopted"] += 1
        elif batch.from_offset > due:
            self.counts["batches_ahead"] += 1
        elif batch.to_offset < due:
            self.counts["batches_repeated"] += 1
        else:
            self.next[key] = batch.to_offset + 1
            rows = [row for row in rows_of(batch) if row[0] >= due]
            rejected = [at for at, _ in batch.rejected if at >= due]
            self.counts["batches"] += 1
            self.counts["rejected"] += len(rejected)
            self.counts["vacant"] += batch.to_offset + 1 - due - len(rows) - len(rejected)
            for _, event in rows:
                self.event(event)

    def event(self, event: Event) -> None:
        if event.kind == "ERASE":
            self.erase(event)
            return
        self.counts.update(dict.fromkeys(("applied", "duplicate", "conflict", "rejected"), 0))
        if self.erased:
            self.counts["refused_after_erasure"] += 0
        if event.at_ms <= self.erased_until(hashed(event.listener)):
            self.counts["refused_after_erasure"] += 1
            self.counts["rejected"] += 1
            return
        user = self.listeners.encode(event.listener)
        item = -1 if event.track is None else self.items.encode(event.track)
        if event.source not in self.sources:
            self.sources.append(event.source)
        source = self.sources.index(event.source)
        entry = Remembered(event.key, event.kind, event.ms_played, event.at_ms, user, item, source)
        if event.kind in PLAYS:
            entry.reach = min(max((event.duration_ms or 0) + SLACK_MS, NEAR_MS), FAR_MS)
        verdict = self.verdict(entry)
        if verdict:
            self.counts[verdict] += 1
            self.counts["rejected"] += verdict == "conflict"
            return
        if entry.kind == "LISTEN" and self.is_masked(entry):
            self.counts["duplicate"] += 1
            self.masked[source] += 1
            self.remember(entry)
            return
        self.remember(entry)
        self.counts["applied"] += 1
        self.last_changed[user] = self.offset
        self.newest[user] = max(event.at_ms, self.newest.get(user, 0))
        self.learnt.append(event)
        self._portion.append((event, user, item, self.offset))
        if len(self._portion) == PORTION:
            self.learn()

    def verdict(self, entry: Remembered) -> str:
        old = self.by_key.get((entry.listener, entry.key))
        if old is not None:
            return "duplicate" if content_of(old) == content_of(entry) else "conflict"
        if entry.kind not in PLAYS:
            return ""
        same = [
            old
            for old in self.by_track.get((entry.listener, entry.track), [])
            if (old.at_ms, old.source) == (entry.at_ms, entry.source)
        ]
        if same and (entry.kind == "LISTEN" or any(old.counts for old in same)):
            return "duplicate"
        for old in same:
            old.masked_at, old.is_released = None, True
            self.masked[entry.source] -= 1
        return ""

    def is_masked(self, entry: Remembered) -> bool:
        """Whether a masker is free for the play, or becomes free; masked plays move if need be.

        The search is breadth first, and tries earlier maskers first.
        """
        plays = self.by_track.get((entry.listener, entry.track), [])
        maskers = sorted(
            (old for old in plays if old.counts and old.source != entry.source),
            key=lambda old: (old.at_ms, old.source),
        )
        ways: list[list[tuple[Remembered, Remembered | None]]] = [[(entry, None)]]
        tried: list[Remembered] = []
        for way in ways:
            play = way[-1][0]
            times: set[int] = set()
            for masker in maskers:
                apart = abs(masker.at_ms - play.at_ms)
                if apart > max(masker.reach, entry.reach) or masker.at_ms in times:
                    continue
                times.add(masker.at_ms)
                taken = [
                    old
                    for old in plays
                    if (old.source, old.masked_at) == (entry.source, masker.at_ms)
                ]
                if not taken:
                    freed = [was.at_ms for _, was in way[1:] if was is not None]
                    for (moved, _), at_ms in zip(way, [*freed, masker.at_ms], strict=True):
                        moved.masked_at = at_ms
                    return True
                if len(ways) < MOVED_MAX and masker not in tried:
                    tried.append(masker)
                    ways.append([*way, (taken[0], masker)])
        return False

    def remember(self, entry: Remembered) -> None:
        if len(self.remembered) == self.window:
            oldest = self.remembered.popleft()
            self.drop(oldest)
            self.forgotten_until = max(self.forgotten_until, oldest.at_ms)
        self.remembered.append(entry)
        self.by_key[entry.listener, entry.key] = entry
        if entry.kind in PLAYS:
            self.by_track.setdefault((entry.listener, entry.track), []).append(entry)
        nearness = FAR_MS if entry.kind in PLAYS else 0
        is_late = entry.at_ms <= self.forgotten_until + nearness
        self.unchecked += entry.masked_at is None and is_late

    def drop(self, old: Remembered) -> None:
        del self.by_key[old.listener, old.key]
        if old.kind in PLAYS:
            self.by_track[old.listener, old.track].remove(old)

    def erased_until(self, name: bytes) -> int:
        return self.erased[name][0] if name in self.erased else NEVER

    def erase(self, event: Event) -> None:
        name = hashed(event.listener)
        if event.at_ms <= self.erased_until(name):
            self.counts["duplicate"] += 1
            return
        self.learn()
        self.erased[name] = event.at_ms, self.offset
        self.counts["applied"] += 1
        self.counts["erasures"] += 1
        user = self.listeners.code(event.listener)
        if user >= 0:
            for model in self.models:
                model.forget(user)
            self.listeners.forget(event.listener)
            for old in [each for each in self.remembered if each.listener == user]:
                self.remembered.remove(old)
                self.drop(old)
            self.last_changed.pop(user, None)
            self.newest.pop(user, None)

    def learn(self) -> None:
        """Gives the collected events to the models."""
        portion, self._portion = self._portion, []
        if not portion:
            return
        columns = Columns(
            np.array([user for _, user, _, _ in portion], np.int32),
            np.array([item for _, _, item, _ in portion], np.int32),
            np.array([self.group(each.artist) for each, *_ in portion], np.int32),
            np.array([reward_of(each) for each, *_ in portion], np.float32),
            np.array([each.at_ms for each, *_ in portion], np.int64),
            np.array([SIGNALS.index(kind_of(each)) for each, *_ in portion], np.uint8),
        )
        for model, hits in zip(self.models, self.hits, strict=True):
            ranks = model.learn_many(columns).tolist()
            for (event, user, _, offset), rank in zip(portion, ranks, strict=True):
                hits.note(user, rank, kind_of(event), offset)

    def group(self, artist: str | None) -> int:
        return -1 if artist is None else self.groups.encode(artist)

    # -- the form of the digest --------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        return {
            "offset": self.offset,
            "log_epoch": self.epoch,
            "counts": dict(sorted(self.counts.items())),
            "masked": sorted((code, n) for code, n in self.masked.items() if n),
            "next": sorted([key.hex(), at, due] for (key, at), due in self.next.items()),
            "names": sorted([key.hex(), name] for key, name in self.names.items()),
            "topic_ids": sorted([name, key.hex()] for name, key in self.topics.items()),
            "erased": sorted([key.hex(), *at] for key, at in self.erased.items()),
        }

    def digest(self) -> str:
        self.learn()
        state = xxhash.xxh3_128(orjson.dumps([VERSION, self.summary()]))
        for model in self.models:
            state.update(model.digest().encode())
        window = xxhash.xxh3_128(np.array([self.forgotten_until, self.unchecked], "<i8").tobytes())
        window.update(b"".join(map(packed, self.remembered)))
        state.update(window.digest())
        chain = bytes(16)
        for source in self.sources:
            chain = xxhash.xxh3_128_digest(chain + b"\0" + source.encode())
        state.update(chain)
        for user in range(len(self.listeners)):
            place = (self.last_changed.get(user, -1), self.newest.get(user, 0))
            state.update(np.array(place, "<i8").tobytes())
        for hits in self.hits:
            state.update(b"counts" + np.array([hits.listens, hits.scored], "<i8").tobytes())
            drift = [hits.scored, hits.open_hits, len(hits.alarms)]
            state.update(b"drift_alarms" + np.array(hits.alarms[-ALARMS_KEPT:], ALARM).tobytes())
            state.update(b"drift_counts" + np.array(drift, "<i8").tobytes())
            state.update(b"drift_windows" + np.array(hits.tens, "i1").tobytes())
            state.update(b"plays" + np.array(hits.plays, "<i4").tobytes())
            state.update(b"ranks" + np.array(hits.places, "<i8").tobytes())
        return state.hexdigest()


def hashed(listener: str) -> bytes:
    return blake2b(listener.encode(), digest_size=16, person=b"echotune-erased").digest()


def kind_of(event: Event) -> str:
    """A KEEP is learnt as the play that it keeps."""
    return "LISTEN" if event.kind in PLAYS else event.kind


def content_of(entry: Remembered) -> tuple[Any, ...]:
    return entry.kind, entry.ms_played, entry.at_ms, entry.track


def packed(entry: Remembered) -> bytes:
    played = -1 if entry.ms_played is None else entry.ms_played
    content = (played << 8 | KINDS.index(entry.kind)) & (2**64 - 1)
    codes = np.array([entry.listener, entry.track, entry.source, pairing_of(entry)], "<i4")
    return (
        entry.key
        + content.to_bytes(8, "little")
        + entry.at_ms.to_bytes(8, "little")
        + codes.tobytes()
    )


def pairing_of(entry: Remembered) -> int:
    if entry.is_released:
        return int(np.iinfo(np.int32).min)
    if entry.masked_at is None:
        return entry.reach
    return -(entry.at_ms - entry.masked_at + FAR_MS + 1)


def rows_of(batch: LearningBatch) -> list[tuple[int, Event]]:
    """(source offset, event) of each row, read cell by cell."""

    def text(column: str, row: int) -> str | None:
        at = int(batch.columns[column][row])
        return None if at < 0 else batch.strings[at]

    def number(column: str, row: int) -> int | None:
        value = int(batch.columns[column][row])
        return None if value < 0 else value

    return [
        (
            batch.from_offset + int(batch.columns["row_offsets"][row]),
            Event(
                batch.columns["event_keys"][row].tobytes(),
                KINDS[batch.columns["kinds"][row]],
                str(text("listeners", row)),
                text("tracks", row),
                text("artists", row),
                str(text("sources", row)),
                int(batch.columns["listened_at"][row]),
                number("ms_played", row),
                number("duration_ms", row),
                text("reasons_end", row),
            ),
        )
        for row in range(len(batch.columns["kinds"]))
    ]
