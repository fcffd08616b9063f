"""A pass over the log that says what changes in people's histories. It writes nothing."""

from streams.folding.row_verdicts import RowVerdicts
from streams.kafka.log_reader import LogReader
from streams.listens.history_changes import changes_of
from streams.listens.listen_history import HistoryChange
from topics.errors import UndecodableRecordError
from topics.learning_log import LogRecord

CHANGES_A_STEP_MAX = 2_000
RECORDS_A_STEP_MAX = 200


class LogRun:
    """Reads on after `offset`, of which `verdicts` are; `people` may change between two steps."""

    def __init__(
        self, reader: LogReader, verdicts: RowVerdicts, people: frozenset[str], offset: int
    ) -> None:
        self._reader = reader
        self.verdicts = verdicts
        self.people = people
        self.offset = offset
        """The last record that was read."""
        self.rows = 0
        """How many rows were read."""
        self._end = 0

    @property
    def is_at_end(self) -> bool:
        """Whether the last step came to where the log ended then."""
        return self.offset >= self._end - 1

    def step(self, until: int | None = None) -> list[HistoryChange] | None:
        """Changes of the next records, up to `until`; None if there is no record.

        Raises `UndecodableRecordError` for a record that cannot be read once it is the next one:
        what comes before it is given first.
        """
        start, self._end = self._reader.bounds()
        first = max(self.offset + 1, start)
        last = min(self._end - 1, first + RECORDS_A_STEP_MAX - 1)
        last = last if until is None else min(last, until)
        if first > last:
            return None
        changes: list[HistoryChange] = []
        try:
            for offset, record in self._reader.decoded(first, last):
                changes += self._changes(offset, record)
                if len(changes) >= CHANGES_A_STEP_MAX:
                    return changes
        except UndecodableRecordError:
            if self.offset < first:
                raise
            return changes
        self.offset = max(self.offset, last)
        return changes

    def _changes(self, offset: int, record: LogRecord) -> list[HistoryChange]:
        judged = self.verdicts.note(offset, record)
        self.offset = offset
        if judged is None:
            return []
        self.rows += len(judged.batch)
        return changes_of(judged, self.people)

    def close(self) -> None:
        """Closes the reader."""
        self._reader.__exit__()
