"""What sequencers know of the generations, by the journal."""

from streams.heartbeats.fold_position import Generations
from streams.lifecycle import known_generations
from streams.lifecycle.known_generations import READ_EVERY_S, KnownGenerations
from streams.lifecycle.lifecycle import Lifecycle
from tests.simulation.generations import first_records, said
from topics.errors import LogError, ServerError
from topics.lifecycle import GenerationMoved, GenerationState


class AJournal:
    """A journal that answers, or fails."""

    def __init__(self) -> None:
        self.lifecycle = Lifecycle()
        self.error: Exception | None = None
        self.reads = 0

    def read(self) -> Lifecycle:
        self.reads += 1
        if self.error is not None:
            raise self.error
        for offset, record in enumerate(first_records()):
            self.lifecycle.apply(offset, 0, record)
        return self.lifecycle


class AClock:
    now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


def a_desk() -> tuple[AJournal, AClock, KnownGenerations]:
    journal, clock = AJournal(), AClock()
    return journal, clock, KnownGenerations(journal, clock)  # type: ignore[arg-type]


def test_before_the_journal_was_read_nothing_is_known_and_that_is_no_error() -> None:
    journal, clock, known = a_desk()
    journal.error = ServerError("Kafka is away.", "Wait.")
    assert known() == Generations()
    journal.error = None
    clock.now_s += READ_EVERY_S
    assert known() == Generations(stable="first")


def test_the_journal_is_asked_once_a_second_at_most() -> None:
    journal, clock, known = a_desk()
    assert {known(), known()} == {Generations(stable="first")}
    assert journal.reads == 1
    clock.now_s += READ_EVERY_S
    known()
    assert journal.reads == 2


def test_what_is_known_stays_if_a_newer_version_wrote_to_the_journal() -> None:
    journal, clock, known = a_desk()
    known()
    journal.error = LogError("The record is of a newer version.", "Upgrade.")
    for _ in range(3):
        clock.now_s += READ_EVERY_S
        assert known() == Generations(stable="first")
    assert journal.reads == 2


def test_a_generation_that_retires_is_known_as_retired() -> None:
    journal, _, _ = a_desk()
    journal.read()
    for at, state in enumerate((GenerationState.RETIRING, GenerationState.RETIRED), 10):
        moved = GenerationMoved(name="second", to=state, **said(at))
        assert journal.lifecycle.apply(at, 0, moved) == ""
        found = known_generations.generations_of(journal.lifecycle)
        assert found == Generations("first", frozenset({"second"}))
