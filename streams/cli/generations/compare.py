"""`generations compare`: folds the log with both models side by side, and shows the answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from streams.addresses import Addresses
from streams.cli import console
from streams.cli.generations.opened_journal import append, open_journal
from streams.cli.options import Json
from streams.cli.progress_bar import progress
from streams.settings import Settings
from topics.errors import ServerError, SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.lifecycle.lifecycle import Entry, Lifecycle

_FAVOURS = (
    "Identical events favour the generation whose lists were shown: listeners may have played what "
    "they saw."
)


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
    from streams.lifecycle.generation_record import settings_from

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
    from streams.lifecycle.generation_record import log_id_of
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


class Pair(NamedTuple):
    """Two generations that are compared, their settings, and how much worse the first may be."""

    a: str
    b: str
    settings: Mapping[str, Settings]
    margin: float


def compare(pair: Pair, kafka: str, history: "Sequence[Entry] | None" = None) -> dict[str, Any]:
    """The comparison as JSON; with `by_served` if the history of the journal is given.

    Raises `SettingsError` if the two cannot be compared.
    """
    import numpy as np

    from streams.evaluation.by_served import by_served, periods_of, plans_of, plays_of
    from streams.evaluation.comparison import common_part, compared, contest_of_two
    from streams.evaluation.log_pass import run

    names = pair.a, pair.b
    plans = plans_of(history or ())
    if history is not None:
        periods_of(plans, *names)  # refuses before the work, if there is nothing to compare
    console.say("compiling the models if need be ...")
    contest = contest_of_two(pair.settings)
    appended: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    with progress("comparing") as show:
        part = common_part(pair.settings)
        fold = run(contest, part, kafka, lambda n: show(None, f"{n:,} events"), appended.append)
    found = compared(contest, margin=pair.margin)
    begins_at = max(each.learn_from for each in pair.settings.values())
    found |= {"from_offset": begins_at, "upto_offset": fold.offset, "exploratory": False}
    if history is not None:
        plays = plays_of(contest, np.concatenate(appended), pair.settings)
        found["by_served"] = by_served(names, plays, plans, fold.listeners, margin=pair.margin)
    return found


def freshness_of(
    names: tuple[str, str], settings: Settings, addresses: Addresses, lifecycle: "Lifecycle"
) -> dict[str, float | None]:
    """The recent freshness (p99, ms) of both; None if one is not heard or had no event."""
    from streams.lifecycle.overview import statuses_of
    from streams.lifecycle.promotion_gate import p99_of

    shards = (lifecycle.generations[name].shards for name in names)
    heard = (
        asyncio.run(statuses_of(settings, addresses, name, count))[0]
        for name, count in zip(names, shards, strict=True)
    )
    return dict(zip("ab", map(p99_of, heard), strict=True))


def show_comparison(found: Mapping[str, Any]) -> None:
    """Prints a comparison."""
    from streams.cli.generations.view import (
        comparison_table,
        served_table,
        side_by_side,
        verdict_in_words,
    )

    console.out.print(comparison_table(found))
    console.out.print(verdict_in_words(found), soft_wrap=True, markup=False)
    console.out.print(side_by_side(found), soft_wrap=True, markup=False)
    console.out.print(_FAVOURS, style="dim", soft_wrap=True)
    served = found.get("by_served")
    if served is None:
        return
    console.out.print("")
    console.out.print(served_table(found))
    for line in _served_in_words(found, served):
        console.out.print(line, soft_wrap=True, markup=False)


def _served_in_words(found: Mapping[str, Any], served: Mapping[str, Any]) -> list[str]:
    from streams.cli.generations.view import verdict_in_words

    low, high = (100 * served["interval"][end] for end in ("low", "high"))
    between = (
        f"What came from their own list: {100 * served['difference']:+.2f} % for the listeners of "
        f"{found['a']} ({low:+.2f} to {high:+.2f} %, at 95 %)."
    )
    ends = {"a": found["a"], "b": found["b"], "margin": found["margin"]}
    return [between, f"By listeners: {verdict_in_words({**served, **ends})}"]
