"""`echotune evaluate`: how good the lists would have been, without Kafka, or on the log itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json
from streams.settings import Settings
from topics.errors import EchoTuneError


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
        raise EchoTuneError("Say either which files, or --log.", "See `echotune evaluate --help`.")
    from streams.evaluation import Evaluator, evaluate_log

    settings = Settings()
    console.say("compiling the models if need be ...")
    evaluator = Evaluator(settings, k=k, min_history=min_history)
    with _progress() as (progress, on_progress):
        if log:
            evaluate_log(evaluator, addresses_of(settings).kafka, on_progress)
            left_out: dict[str, int] = {}
        else:
            left_out = _evaluate_files(evaluator, data or [], listener, on_progress)
        progress.stop()
    result = evaluator.result() | left_out
    if json:
        console.print_json(result)
    else:
        _print(result, k)
