"""`echotune evaluate`: how good the lists would have been, without Kafka, or on the log itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json
from streams.cli.progress import Show, progress
from streams.importing import ImportReport, events_of
from streams.settings import Settings
from streams.sources.history import History
from topics.errors import SettingsError

if TYPE_CHECKING:
    from streams.evaluation import Evaluator


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune evaluate my_spotify_data.zip --listener me")(evaluate)


def evaluate(
    data: Annotated[
        list[Path] | None, typer.Argument(help="Listening history, as `echotune import` takes it.")
    ] = None,
    listener: Annotated[
        str | None, typer.Option(help="Whose history it is, where the files do not say.")
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="The learning-log instead of files.")] = False,
    k: Annotated[int, typer.Option("-k", min=1, max=20, help="Length of the list.")] = 20,
    min_history: Annotated[
        int, typer.Option(min=0, help="Plays before a listener's plays are scored.")
    ] = 5,
    json: Json = False,
) -> None:
    """Looks for each play in the list of the moment before, then learns it; prints hit rates.

    Popularity, own-recent and last-transition meet the same events. With --log the hits are
    exactly those that the live model counted.
    """
    if bool(data) == log:
        raise SettingsError("Say either which files, or --log.", "See `echotune evaluate --help`.")
    from streams.evaluation import Evaluator, evaluate_log

    settings = Settings()
    console.say("compiling the models if need be ...")
    evaluator = Evaluator(settings, k=k, min_history=min_history)
    with progress("evaluating") as show:
        if log:
            evaluate_log(evaluator, addresses_of(settings).kafka, _counted(show))
            result = evaluator.result()
        else:
            result = _evaluate_files(evaluator, History(data or [], listener), show)
    if json:
        console.print_json(result)
    else:
        _print(result, k)


def _evaluate_files(evaluator: "Evaluator", history: History, show: Show) -> dict[str, Any]:
    from streams.evaluation import evaluate_history

    report = ImportReport()
    on_progress = _counted(show)
    evaluate_history(evaluator, events_of(history.rows(), report), on_progress)
    return evaluator.result() | {"bad": report.bad, "ignored": report.ignored.total()}


def _counted(show: Show) -> Any:
    events = 0

    def on_progress(more: int) -> None:
        nonlocal events
        events += more
        show(None, f"{events:,} events")

    return on_progress


def _print(result: dict[str, Any], k: int) -> None:
    table = Table(box=None)
    for name in ("model", f"HR@{k}", f"MRR@{k}"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for name, figures in ((result["model"], result), *result["baselines"].items()):
        hit_rate, mrr = figures[f"hr@{k}"], figures[f"mrr@{k}"]
        table.add_row(name, f"{hit_rate:.4f}", f"{mrr:.4f}")
    console.out.print(table)
    told = f"{result['scored']:,} of {result['events']:,} plays scored"
    console.out.print(f"{told}, {result['events_per_second']:,} events/s", soft_wrap=True)
    if left_out := {name: result[name] for name in ("bad", "ignored") if result.get(name)}:
        console.say(f"left out: {left_out}")
