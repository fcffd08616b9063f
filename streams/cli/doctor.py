"""`echotune doctor`: checks whether all promises are kept now, and names remedies."""

import asyncio

import typer

from streams.addresses import addresses_of
from streams.cli import EXIT_INTERRUPTED, console
from streams.cli.options import Json
from streams.doctor.findings import Finding, Level, worst
from streams.settings import Settings

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.BROKEN: "bold red"}
_EXIT_CODES = {Level.OK: 0, Level.WARNING: 0, Level.BROKEN: 1}


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune doctor --json")(doctor)


def doctor(json: Json = False) -> None:
    """Checks what can be checked while the system runs, and prints what to do about each problem.

    Exit code 0: nothing is broken (there may be warnings); 1: something is. It ends within a
    minute even if servers hang, and names them. `echotune verify --deep` checks everything else,
    by reading all logs.
    """
    from streams.doctor.checks.all_checks import examined
    from streams.doctor.collect import collect_facts
    from streams.monitoring.status import settings_of_stable

    settings = Settings()
    addresses = addresses_of(settings)
    try:
        settings = asyncio.run(settings_of_stable(settings, addresses))
        facts = collect_facts(settings, addresses)
    except KeyboardInterrupt:
        console.exit_now(EXIT_INTERRUPTED)
    found = [*examined(facts)]
    verdict = worst(found)
    if json:
        console.print_json({"verdict": verdict, "findings": [each.as_json() for each in found]})
    else:
        for each in found:
            _show(each)
    if facts.hangs:
        console.exit_now(_EXIT_CODES[verdict])
    raise typer.Exit(_EXIT_CODES[verdict])


def _show(finding: Finding) -> None:
    colour = _COLOURS[finding.level]
    console.out.print(f"[{colour}]{finding.level:8}[/]", end="")
    console.out.print(f"{finding.check:18} {finding.says}", markup=False, soft_wrap=True)
    if finding.remedy:
        console.out.print(f"{'':26} {finding.remedy}", markup=False, soft_wrap=True)
