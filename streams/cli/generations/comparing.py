"""`generations compare`: folds the log with both models, and shows the answer."""

from typing import Annotated, Any

import typer

from streams.cli import console
from streams.cli.generations.journal import append, open_journal
from streams.cli.options import Json
from streams.settings import Settings
from topics.errors import ServerError, SettingsError


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("compare", epilog="Example: echotune generations compare second first --json")(
        compare_command
    )


def compare_command(
    a: Annotated[str, typer.Argument(help="The generation that is judged.")],
    b: Annotated[str, typer.Argument(help="The generation that it is compared with.")],
    margin: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="By how much it may be worse.")
    ] = 0.005,
    by_served: Annotated[
        bool,
        typer.Option("--by-served", help="Also compare the listeners of a canary with the others."),
    ] = False,
    json: Json = False,
) -> None:
    """Compares two generations on the same plays: folds the log with both models side by side.

    Verdicts: better, worse, no worse, too early, too few listeners. They are valid however often
    one looks. Identical events favour the generation whose lists were shown, because listeners may
    have played what they saw; --by-served compares listeners instead: the share of plays that came
    from their list, of those whom one served as a canary, and of those whom the other one served.
    The answer about identical events is recorded in the journal for `gate` and `promote`.
    """
    from streams.cli.generations.comparison import (
        Pair,
        compare,
        freshness_of,
        show_comparison,
    )
    from streams.lifecycle.first_start import settings_from

    if a == b:
        raise SettingsError(f"{a} is compared with itself.", "Name two generations.")
    with open_journal() as (own, addresses, journal):
        lifecycle = journal.read()
    settings = {
        each: settings_from(lifecycle, Settings(generation=each), prefers="record")
        for each in (a, b)
    }
    history = lifecycle.history if by_served else None
    found = compare(Pair(a, b, settings, margin), addresses.kafka, history)
    found["freshness_ms"] = freshness_of((a, b), own, addresses, lifecycle)
    found["recorded"] = _recorded(found, own)
    if json:
        console.print_json(found)
    else:
        show_comparison(found)


def _recorded(found: dict[str, Any], settings: Settings) -> bool:
    """Writes a comparison to the journal; returns False if this user may not."""
    from streams.lifecycle.first_start import log_id_of
    from streams.lifecycle.journal import operation
    from topics.lifecycle import GenerationsCompared

    names = ("a", "b", "upto_offset", "metric", "paired", "clusters", "difference", "margin")
    fields = {name: found[name] for name in names}
    interval = {end: float(found["interval"][end]) for end in ("low", "high")}
    try:
        with open_journal() as (_, addresses, journal):
            record = GenerationsCompared(
                log_id=log_id_of(addresses.kafka),
                verdict=str(found["verdict"]),
                **(fields | interval | operation("a comparison", settings.who)),
            )
            append(journal, journal.read(), record, "", json=False)
    except ServerError as error:
        console.say(f"the comparison was not recorded: {error.message} {error.remedy}")
        return False
    return True
