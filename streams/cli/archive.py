"""`echotune backup|restore|export`: copies the log and the journal to a folder, and back."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.addresses import Addresses, addresses_of
from streams.cli import EXIT_NO, console
from streams.cli.options import Json
from streams.cli.progress_bar import progress
from streams.settings import Settings
from topics.errors import RefusedError, ServerError

if TYPE_CHECKING:
    from streams.archive.accounts import TakenAccounts

_FOLLOW_EVERY_S = 10.0
Folder = Annotated[Path, typer.Argument(help="The folder of the backup.")]

NoAccounts = Annotated[
    bool, typer.Option("--no-accounts", help="Without people, their tokens and their relays.")
]


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(epilog="Example: echotune backup /mnt/backup --json")(backup)
    app.command(epilog="Example: ECHOTUNE_HOME=other echotune restore /mnt/backup --prove")(restore)
    app.command(epilog="Example: echotune export --to plays.parquet --since 2026-01-01")(export)


def backup(
    folder: Folder,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on every ten seconds, until Ctrl-C.")
    ] = False,
    no_accounts: NoAccounts = False,
    json: Json = False,
) -> None:
    """Backs up the learning-log and the journal; goes on where the last backup in DIR ended.

    Everything else follows from these two topics, but people, their tokens and relays, which are in
    accounts.json: a secret. A backup that is interrupted leaves the one before it. The exit code is
    1 if MongoDB does not answer: then the log alone was copied.
    """
    from streams.archive.backup import backup as back_up
    from streams.kafka.refusals import refusals_in_words

    settings = Settings()
    addresses = addresses_of(settings)
    kafka, mongo = addresses.kafka, "" if no_accounts else addresses.mongo
    while True:
        try:
            with progress("backing up") as show, refusals_in_words(kafka):
                # Before the log: so no relay has come further than the log that is copied.
                accounts = _accounts(addresses, settings.prefix) if mongo else None
                found = back_up(kafka, folder, show)
                if accounts is not None:
                    accounts.write(folder)
                found |= {"accounts": None if accounts is None else accounts.counts}
        except RefusedError:
            raise
        except ServerError as error:  # the next look may find Kafka again
            if not follow:
                raise
            console.say(str(error))
        else:
            _show(folder, found, follows=follow, json=json)
        if not follow:
            raise typer.Exit(EXIT_NO if mongo and accounts is None else 0)
        time.sleep(_FOLLOW_EVERY_S)


def _accounts(addresses: Addresses, prefix: str) -> "TakenAccounts | None":
    """The accounts; without MongoDB the log is copied all the same."""
    from streams.archive.accounts import TakenAccounts

    try:
        return TakenAccounts(addresses.kafka, addresses.mongo, prefix)
    except ServerError as error:
        console.say(f"people are those of the backup before: {error}")
        return None


def _show(folder: Path, found: dict[str, Any], *, follows: bool, json: bool) -> None:
    if json:
        (console.print_json_line if follows else console.print_json)(found)
    elif found["new_files"] or not follows:
        files, size = len(found["files"]), found["bytes"]
        console.say(f"{folder}: {found['last'] + 1:,} records in {files} files, {size:,} bytes")


def restore(
    folder: Folder,
    proves: Annotated[
        bool,
        typer.Option("--prove", help="Fold the restored log, and compare its digest."),
    ] = False,
    no_accounts: NoAccounts = False,
    json: Json = False,
) -> None:
    """Restores a backup into a new cluster: equal offsets, times, bytes, and hence equal states.

    With --prove the exit code is 1 if the digests differ. Start workers afterwards. People, tokens
    and relays are added; those that are there stay as they are.
    """
    from streams.archive.accounts import check_accounts, restore_accounts
    from streams.archive.restore import prove
    from streams.archive.restore import restore as bring_back
    from streams.kafka.refusals import refusals_in_words

    settings = Settings()
    addresses = addresses_of(settings)
    kafka, mongo = addresses.kafka, "" if no_accounts else addresses.mongo
    if mongo:
        check_accounts(folder)  # before anything is changed
    with refusals_in_words(kafka):
        with progress("restoring") as show:
            found = bring_back(settings, kafka, folder, show)
        people = restore_accounts(kafka, mongo, settings.prefix, folder) if mongo else None
        found["accounts"] = people
        if proves:
            with progress("proving") as show:
                found |= prove(kafka, folder, show)
    if json:
        console.print_json(found)
    else:
        console.say(f"{found['records']:,} records of the log are as they were")
        if people is None:
            console.say("no people: the backup has none, or there is no MongoDB")
        else:
            console.say(
                f"{people['people']:,} people, {people['tokens']:,} tokens and "
                f"{people['relays']:,} relays are there; {people['kept']:,} differed and stayed"
            )
        if proves:
            verdict = "is equal" if found["equal"] else "DIFFERS"
            console.say(
                f"the digest {verdict} at log offset {found['offset']:,} "
                f"({found['events']:,} events, generation {found['generation']})"
            )
    raise typer.Exit(0 if found.get("equal", True) else EXIT_NO)


def export(
    to: Annotated[Path, typer.Option("--to", help="A new file: .parquet, .jsonl or .jsonl.zst.")],
    from_log: Annotated[
        str | None,
        typer.Option(metavar="OFFSET|TIME", help="The first log record, or when it was written."),
    ] = None,
    to_log: Annotated[
        str | None,
        typer.Option(metavar="OFFSET|TIME", help="The last log record, or what was before TIME."),
    ] = None,
    listener: Annotated[str | None, typer.Option(help="Only events of this listener.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what was played then or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what was played before.")
    ] = None,
    json: Json = False,
) -> None:
    """Writes the events of the learning-log to a file, one row an event; leaves out the erased.

    A row has the event's fields, its place in the log and in its source, and its verdict: applied,
    duplicate, or refused. `echotune import FILE` reads such a file, and adds no event twice.
    """
    from streams.archive.export import Selection
    from streams.archive.export import export as write_events
    from streams.kafka.refusals import refusals_in_words

    settings = Settings()
    kafka = addresses_of(settings).kafka
    selected = Selection(from_log, to_log, listener, since, until)
    with refusals_in_words(kafka), progress("exporting") as show:
        found = write_events(kafka, to, selected, _window_of(settings, kafka), show)
    if json:
        console.print_json(found)
    else:
        said = ", ".join(f"{count:,} {verdict}" for verdict, count in found["verdicts"].items())
        console.say(f"{to}: {found['rows']:,} events ({said or 'none'}), {found['bytes']:,} bytes")


def _window_of(settings: Settings, kafka: str) -> int:
    """The deduplication window of the stable generation, or of one that would be the first."""
    from streams.lifecycle.generation_record import settings_from
    from streams.lifecycle.journal import read_lifecycle

    lifecycle = read_lifecycle(kafka)
    if lifecycle.is_empty:
        return settings.duplicate_window
    stable = Settings(generation=lifecycle.plan.stable)
    return settings_from(lifecycle, stable, prefers="record").duplicate_window
