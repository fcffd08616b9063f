"""The fold's state as one value: its parts, its digest, its arrays.

Two states are equal exactly if their digests are equal. A snapshot stores the small part as JSON
values (`summary`) and the large one as named arrays (`views`). Names and order of both are part of
the snapshot format.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

from online_models.base import Ranker
from online_models.evaluation.prequential import Prequential
from online_models.vocabulary import Vocabulary
from streams.folding.coverage import Coverage
from streams.folding.deduplication_window import DeduplicationWindow
from streams.folding.erasures import Erasures
from streams.folding.listener_changes import ListenerChanges
from streams.folding.log_position import LogPosition
from streams.folding.masked_plays import MaskedPlays
from streams.folding.state_copy import Views, copied

FOLD_VERSION = 8
"""Raised whenever the same log gives another state; a snapshot of another version is not loaded."""


class Count:
    """Names of the fold's counters."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    ERASED = "refused_after_erasure"
    VACANT = "vacant"
    MISSED = "missed_in_source"
    ERASURES = "erasures"
    BATCHES = "batches"
    STRAY = "stray_in_log"
    SKIMMED = "skimmed"


class FoldState:
    """The state of one generation: its model, its position in the log, and its quality.

    It has more attributes than other classes: each is one part of the state.
    """

    def __init__(
        self, ranker: Ranker, baseline: Ranker, *, duplicate_window: int, learn_from: int = 0
    ) -> None:
        """`learn_from` is the first log offset whose rows are learnt; those before are skimmed."""
        self.learn_from = learn_from
        self.ranker = ranker
        self.baseline = baseline
        baseline.users, baseline.items, baseline.groups = ranker.users, ranker.items, ranker.groups
        self.offset = -1
        self.log_epoch = 0
        self.record_hash = ""
        """Hash of the record at `offset`, set by the log's reader; not part of the state."""
        self.coverage = Coverage()
        self.counts: Counter[str] = Counter()
        self.duplicates = DeduplicationWindow(duplicate_window)
        self.erasures = Erasures()
        self.quality = Prequential()
        self.baseline_quality = Prequential()
        self.sources = Vocabulary()
        """Names of the programs that sent the events."""
        self.masked = MaskedPlays(self.sources)
        self.changes = ListenerChanges(ranker.users)

    @property
    def listeners(self) -> Vocabulary:
        """Listener ids and their codes."""
        return self.ranker.users

    @property
    def applied(self) -> int:
        """Number of events that were applied."""
        return self.counts[Count.APPLIED]

    @property
    def learnt(self) -> int:
        """Number of events that were learnt, or compared with those that were."""
        return sum(self.counts[each] for each in (Count.APPLIED, Count.DUPLICATE, Count.CONFLICT))

    @property
    def position(self) -> LogPosition:
        """The position of the state in the log."""
        return LogPosition(self.log_epoch, self.offset, self.record_hash)

    def summary(self) -> dict[str, Any]:
        """The small part of the state, as JSON values with a fixed order."""
        return {
            "offset": self.offset,
            "log_epoch": self.log_epoch,
            "counts": dict(sorted(self.counts.items())),
            "masked": self.masked.rows(),
            **self.coverage.summary(),
            "erased": self.erasures.rows(),
        }

    def digest(self) -> str:
        """32 hex digits that are equal exactly for equal states (xxh3, 128 bits)."""
        state = xxhash.xxh3_128(orjson.dumps([FOLD_VERSION, self.summary()]))
        for model in (self.ranker, self.baseline):
            state.update(model.digest().encode())
        for part in (self.duplicates, self.sources):
            state.update(part.digest())
        state.update(self.changes.rows().tobytes())
        for quality in (self.quality, self.baseline_quality):
            for name, array in sorted(quality.state().items()):
                state.update(name.encode())
                state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()

    def _parts(self) -> dict[str, Any]:
        return {
            "ranker": self.ranker,
            "baseline": self.baseline,
            "duplicates": self.duplicates,
            "sources": self.sources,
            "quality": self.quality,
            "baseline_quality": self.baseline_quality,
        }

    def state(self) -> dict[str, NDArray[Any]]:
        """Every array of the state, by name; with `summary()` it is the whole state."""
        return copied(self.views())

    def views(self) -> Views:
        """The arrays of `state()`; some are the state's own memory, so copy them immediately."""
        views: dict[str, Sequence[NDArray[Any]]] = {"per_listener": [self.changes.rows()]}
        for part, holder in self._parts().items():
            for name, parts in _views_of(holder).items():
                views[f"{part}/{name}"] = parts
        return views

    def load(self, summary: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Loads `summary()` and `state()` of a fold of the same configuration."""
        for part, holder in self._parts().items():
            prefix = f"{part}/"
            holder.load(
                {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            )
        self.changes.load(arrays["per_listener"])
        self.offset, self.log_epoch = summary["offset"], summary["log_epoch"]
        self.counts = Counter(summary["counts"])
        self.masked.load(summary["masked"])
        self.coverage = Coverage.of_summary(summary)
        self.erasures.load(summary["erased"])


def _views_of(holder: Any) -> Views:
    """Views of a part of the state; a copy if the part has no views."""
    if hasattr(holder, "views"):
        return dict(holder.views())
    return {name: [array] for name, array in holder.state().items()}
