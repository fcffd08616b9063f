"""`echotune verify`: compares live state and replay; with `--deep`, checks all promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from streams.addresses import addresses_of
from streams.cli import EXIT_NO, console
from streams.cli.options import Json
from streams.settings import Settings
from topics.errors import SettingsError

if TYPE_CHECKING:
    from streams.verifying.deep_check import DeepVerification, OnOffset
    from streams.verifying.digest_check import Verification


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune verify --deep --json")(verify)


def verify(
    deep: Annotated[
        bool, typer.Option("--deep", help="Checks every promise: source, log, state and lists.")
    ] = False,
    generation: Annotated[
        str | None, typer.Option(help="The generation; else the one that serves listeners.")
    ] = None,
    begin: Annotated[
        int | None,
        typer.Option("--from", metavar="OFFSET", help="Begin with the snapshot at this offset."),
    ] = None,
    end: Annotated[
        int | None,
        typer.Option("--to", metavar="OFFSET", help="Compare with the snapshot at this offset."),
    ] = None,
    json: Json = False,
) -> None:
    """Folds the log again from its start and compares the digest with the live one's.

    With --from and --to, it folds what the log has between two snapshots of this machine, or from
    a snapshot up to the live state: as a check of every snapshot, and much faster.

    Exit code 0: equal, and with --deep every promise is kept; 1: not.
    """
    from streams.lifecycle.generation_record import settings_from
    from streams.lifecycle.journal import read_lifecycle
    from streams.verifying.deep_check import verify_deep
    from streams.verifying.digest_check import Span, Verification
    from streams.verifying.digest_check import verify as verify_plainly

    if deep and (begin is not None or end is not None):
        raise SettingsError(
            "--deep follows every listen from its source on.", "Leave --from and --to out."
        )
    settings = Settings(generation=generation) if generation else Settings()
    addresses = addresses_of(settings)
    lifecycle = read_lifecycle(addresses.kafka)
    if "generation" not in settings.model_fields_set and not lifecycle.is_empty:
        settings = Settings(generation=lifecycle.plan.stable)
    settings = settings_from(lifecycle, settings, prefers="settings")
    found: DeepVerification | Verification
    with _progress() as on_offset:
        if deep:
            found = verify_deep(settings, addresses, on_offset)
        else:
            found = verify_plainly(settings, addresses, on_offset, Span(begin, end))
    if json:
        console.print_json(found.as_json())
    elif isinstance(found, Verification):
        _show(found)
    else:
        _show_promises(found)
    raise typer.Exit(0 if found.is_kept else EXIT_NO)


@contextmanager
def _progress() -> "Iterator[OnOffset]":
    with Progress(console=console.err, transient=True) as progress:
        task = progress.add_task("replaying the learning-log", total=None)
        yield lambda at, last: progress.update(task, completed=at, total=last + 1)


def _show(result: "Verification") -> None:
    verdict = "[green]equal[/]" if result.equal else "[bold red]NOT EQUAL[/]"
    rate = result.events / max(result.seconds, 1e-9)
    text = f"{verdict} at log offset {result.offset:,}, {result.events:,} events"
    if result.from_offset:
        text += f" from offset {result.from_offset:,} on"
    by = "live    " if result.by == "recommender" else "snapshot"
    console.out.print(f"{by} {result.live}\nreplay   {result.replay}")
    console.out.print(f"{text}, {rate:,.0f} events/s", soft_wrap=True)


def _verdict(promise: dict[str, Any]) -> str:
    if promise["broken"]:
        return "[bold red]BROKEN[/]"
    if promise["uncompared"] or not promise["checked"]:
        return "[yellow]unknown[/]"
    return "[green]kept[/]  "


def _show_promises(found: "DeepVerification") -> None:
    for each in found.findings.as_json():
        unknown = f", {each['unknown']:,} can no longer be checked" if each["unknown"] else ""
        later = each["uncompared"]
        unknown += f", {later:,} not compared: nobody has processed them yet" if later else ""
        text = f"{_verdict(each)} {each['says']} ({each['checked']:,} checked{unknown})"
        console.out.print(text, soft_wrap=True)
        if each["first"] is not None:
            first, more = each["first"], each["broken"] - 1
            text = f"        first at {first['where']}: {first['what']} ({more:,} more)"
            console.out.print(text, soft_wrap=True, markup=False)
    sums = found.ledger
    if sums.vacant:
        text = (
            f"{sums.vacant:,} of {sums.covered:,} covered offsets have no record: the markers and "
            "aborted records of transactions, or records that compaction has deleted"
        )
        console.out.print(text, soft_wrap=True)
    _show(found.replayed)
