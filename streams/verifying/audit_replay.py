"""Folds the log again in one pass; compares source, dead letters and sampled lists with it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from streams.folding.fold import Fold
from streams.folding.log_account import Counted
from streams.kafka.log_reader import LogReader
from streams.lists.list_maker import ListMaker
from streams.verifying.digest_check import RECORDS_AT_ONCE
from streams.verifying.list_audit import Lists, Published, misranked, published_from, sample_of
from streams.verifying.log_audit import LogAudit
from streams.verifying.promises import Broken, Findings, Promise
from streams.verifying.source_audit import Keeps, compared, missing_letters
from streams.verifying.source_reader import SourceReader
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.errors import RegistryUnavailableError
from topics.learning_log import LogRecord
from topics.recommendation_list import EVERYONE

Sample = Mapping[int, Sequence[tuple[str, Published]]]
"""Log offset → lists (listener id, list) that were made as of it."""


def sample_by_offset(*stores: Lists) -> Sample:
    """A sample of each store's lists, which are ranked again."""
    sample: dict[int, list[tuple[str, Published]]] = {}
    for lists in stores:
        for listener_id in sample_of(lists):
            found = lists[listener_id]
            sample.setdefault(found.as_of, []).append((listener_id, found))
    return sample


@dataclass
class AuditReplay:
    """Folds the log into `fold` and notes each broken promise in `findings`."""

    fold: Fold
    maker: ListMaker
    source: SourceReader
    keeps: Keeps
    findings: Findings
    decoder: Decoder = field(default_factory=lambda: Decoder(LISTENING_EVENTS.contracts))
    """Decodes the source's records as a sequencer does."""
    audit: LogAudit = field(default_factory=LogAudit)
    digests: dict[int, str] = field(default_factory=dict)
    """Log offset → digest, at the requested offsets."""

    def run(
        self,
        reader: LogReader,
        sample: Sample,
        digests_at: Sequence[int],
        on_offset: Callable[[int, int], None],
    ) -> None:
        """Folds the log up to the last requested offset; calls `on_offset(offset, last)`."""
        end = reader.bounds().end
        stops = [each for each in sorted({*digests_at, *sample}) if 0 <= each < end]
        last = stops[-1] if stops else -1
        decoded = ((at, self._noted(at, record)) for at, record in reader.decoded(0, last))
        for stop in stops:
            while self.fold.offset < stop:
                count = min(RECORDS_AT_ONCE, stop - self.fold.offset)
                self.fold.apply_many(islice(decoded, count))
                on_offset(self.fold.offset, last)
            if stop in digests_at:
                self.digests[stop] = self.fold.digest()
            self._compare_ranks(sample.get(stop, ()))
        self._note_beyond(sample, end)
        self._compare_sums()

    # -- the source ----------------------------------------------------------------------------

    def _noted(self, offset: int, record: LogRecord) -> LogRecord:
        """Compares the record's rows that count with the source and the dead letters."""
        counted = self.audit.note(offset, record)
        if counted is not None:
            self._compare_source(counted)
        return record

    def _compare_source(self, counted: Counted) -> None:
        batch = counted.batch
        covered = batch.to_offset + 1 - counted.first_new
        rows = self.source.between(*batch.source, counted.first_new, batch.to_offset)
        missing = [*missing_letters(counted, rows or (), self.keeps)]
        rejected = len(counted.rejected)
        if rows is None:  # retention may have deleted the dead letters, too
            known = rejected - len(missing)
            self.findings.note(Promise.SOURCE, (), checked=0, unknown=covered)
            self.findings.note(Promise.LETTERS, (), checked=known, unknown=len(missing))
            return
        self.findings.note(Promise.LETTERS, missing, checked=rejected)
        try:
            found = [*compared(counted, rows, self.decoder)]
        except RegistryUnavailableError:  # records with its schemas cannot be read without it
            self.findings.note(Promise.SOURCE, (), checked=0, unknown=covered)
        else:
            self.findings.note(Promise.SOURCE, found, checked=covered)

    def _compare_sums(self) -> None:
        audit = self.audit
        broken = [*audit.broken, *audit.holes(), *self._coverage_difference()]
        self.findings.note(Promise.CONTIGUOUS, broken, checked=audit.ledger.covered)
        differences = audit.differences(self.fold.counts)
        self.findings.note(Promise.COUNTED, differences, checked=audit.ledger.rows)

    def _coverage_difference(self) -> Iterator[Broken]:
        folded, audited = self.fold.coverage.next, dict(self.audit.next)
        if folded != audited:
            what = f"the state covers {folded}, the log covers {audited}"
            yield Broken(Promise.CONTIGUOUS, "the end of the log", what)

    # -- lists ---------------------------------------------------------------------------------

    def _compare_ranks(self, lists: Sequence[tuple[str, Published]]) -> None:
        for listener_id, found in lists:
            broken = misranked(listener_id, found, ranked(self.fold, self.maker, listener_id))
            self.findings.note(Promise.RANKED, broken)

    def _note_beyond(self, sample: Sample, end: int) -> None:
        for as_of in sorted(each for each in sample if each >= end):
            what = f"as of {as_of}, but the log ends at {end}"
            broken = [Broken(Promise.RANKED, name, what) for name, _ in sample[as_of]]
            self.findings.note(Promise.RANKED, broken, checked=len(broken))


def ranked(fold: Fold, maker: ListMaker, listener_id: str) -> Published:
    """The list that the state ranks for a listener; an empty one if it is unknown."""
    if listener_id == EVERYONE:
        return published_from(maker.fallback_list())
    code = fold.listeners.code(listener_id)
    lists = maker.lists(np.array([code] if code >= 0 else [], np.int32))
    return published_from(lists[0]) if lists else Published(-1, -1, 0, b"nobody")
