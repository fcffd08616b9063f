"""The journal as commands use it: opened, read, and appended to unless somebody was faster."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from streams.addresses import Addresses, addresses_of
from streams.cli import EXIT_NO, console
from streams.settings import Settings
from topics.errors import SettingsError

if TYPE_CHECKING:
    from streams.lifecycle.journal import Journal
    from streams.lifecycle.lifecycle import Lifecycle


class OpenedJournal(NamedTuple):
    """The journal, and what it was opened with."""

    settings: Settings
    addresses: Addresses
    journal: "Journal"


@contextmanager
def open_journal() -> Iterator[OpenedJournal]:
    """Opens the journal; what a server refuses is said in words."""
    from streams.kafka.refusals import refusals_in_words
    from streams.lifecycle.journal import Journal

    settings = Settings()
    addresses = addresses_of(settings)
    with refusals_in_words(addresses.kafka), Journal(addresses.kafka) as journal:
        yield OpenedJournal(settings, addresses, journal)


def unknown(name: str) -> SettingsError:
    """The error of a generation that is not there."""
    return SettingsError(
        f"There is no generation {name}.", "`echotune generations list` shows all of them."
    )


def append(journal: "Journal", decided: "Lifecycle", record: Any, says: str, *, json: bool) -> None:
    """Appends a record, unless it does not follow on the lifecycle that the operator saw.

    Exit code 1 if somebody else was faster.
    """
    check_valid(decided, record)
    appended = journal.append(lambda _: record)
    if not appended.is_valid:
        faster = appended.faster
        by = f" {faster.record.who} was faster ({faster.record.why})." if faster else ""
        console.failure(f"Nothing was changed: {appended.own.void}.{by}", "Look, and try again.")
        raise typer.Exit(EXIT_NO)
    if json:
        console.print_json({"valid": True, "offset": appended.own.offset})
    elif says:
        console.say(says)


def check_valid(decided: "Lifecycle", record: Any) -> None:
    """Raises `SettingsError` if a record would be void."""
    if why_void := decided.why_void(record):
        raise SettingsError(
            f"This cannot be: {why_void}.", "`echotune generations list` shows what is."
        )
