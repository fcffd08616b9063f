"""`echotune evaluate`: measures how good the lists would have been, on files or on the log."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.evaluation_view import print_report
from streams.cli.options import Json, check_utf_8
from streams.cli.progress_bar import Show, progress
from streams.settings import Settings
from streams.sources.files import size_of
from streams.sources.plays import rows
from topics.errors import HistoryError, SettingsError

if TYPE_CHECKING:
    from online_models.evaluation.contest import Contest
    from streams.evaluation.contests import Question
    from streams.evaluation.report import EvaluationOutcome

WINDOW_EVENTS = 10_000


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        epilog="Example: echotune evaluate plays.parquet --preset best --without artists "
        "--compare best --json"
    )(evaluate)


def evaluate(
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Tables of plays (Parquet, CSV, TSV, JSON), or histories as `echotune import` "
            "takes them."
        ),
    ] = None,
    listener: Annotated[
        str | None, typer.Option(help="The listener, if the files do not contain one.")
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="The learning-log instead of files.")] = False,
    preset: Annotated[
        str | None,
        typer.Option(
            help="A model by name: best, fast, river:CLASS, ... [default: ECHOTUNE_MODEL]"
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A model as a TOML file; see `echotune models`.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="An expert to leave out; may be repeated.")
    ] = None,
    blend_every: Annotated[
        int | None, typer.Option(min=0, help="The blend learns only from every N-th play.")
    ] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="Tracks and artists, played or not: track_id, artist_id."),
    ] = None,
    freeze_after: Annotated[
        str | None,
        typer.Option(metavar="EVENTS|TIME", help="When learning stops; listeners go on."),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="popularity, own_recent, last_transition, co_occurrence, river:CLASS, or none; "
            "may be repeated. [default: the first three]"
        ),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL|FILE", help="Another model on the same events; may be repeated."
        ),
    ] = None,
    k: Annotated[
        list[int] | None, typer.Option("-k", min=1, max=20, help="Lengths of lists, beside 20.")
    ] = None,
    min_history: Annotated[
        int,
        typer.Option(min=0, help="Plays before a listener's plays are scored (without `scored`)."),
    ] = 5,
    curve: Annotated[
        Path | None, typer.Option(help="Writes figures over time into this CSV file.")
    ] = None,
    window: Annotated[int, typer.Option(min=1, help="Events a row of the curve.")] = WINDOW_EVENTS,
    json: Json = False,
) -> None:
    """Ranks before each play, looks for its track in the list, then learns; prints hit rates.

    The whole catalogue is ranked, without sampling, and every model gets the same events. Scored
    are the rows that a column `scored` selects, or those with --min-history earlier plays of the
    listener. With --log the hits are exactly those that the live model counted. See
    docs/evaluation.md.
    """
    if bool(data) == log:
        raise SettingsError("Give either files, or --log.", "See `echotune evaluate --help`.")
    from streams.evaluation.contests import Question, freeze_of, model_of, wanted_baselines

    check_utf_8(listener)
    size_of(data or [])  # raises for a missing file before anything is compiled
    settings = Settings()
    model_option = str(config) if config else preset or settings.model
    if log and catalogue:
        raise SettingsError("--catalogue is for files.", "The log contains its tracks.")
    if config and preset:
        raise SettingsError("Give either --preset or --config.", "Both name the model.")
    if config and config.suffix != ".toml":
        raise SettingsError(f"{config} does not end in .toml.", "Rename it.")
    if curve and not curve.parent.is_dir():
        raise SettingsError(f"{curve} cannot be written: no such folder.", "Make the folder first.")
    name, model = model_of(model_option, without or [], blend_every)
    question = Question(
        config=model,
        name=name,
        baselines=wanted_baselines(baseline),
        compared=compare or [],
        freeze=freeze_of(freeze_after),
        ks=k or [],
        min_history=min_history,
    )
    with progress("evaluating") as show:
        if log:
            outcome, result = _evaluate_log(settings, question, show)
        else:
            outcome, result = _evaluate_files(data or [], listener, question, catalogue, show)
    if not result["scored"]:
        console.say(f"no play is scored ({result['scored_by']}): the figures mean nothing")
    if curve:
        _write_curve(curve, outcome, window)
    if json:
        console.print_json(result)
    else:
        print_report(result)


def _contest(question: "Question") -> "Contest":
    from streams.evaluation.contests import contest_of

    console.say("compiling the models if need be ...")
    return contest_of(question)


def _evaluate_files(
    data: list[Path],
    listener: str | None,
    question: "Question",
    catalogue: Path | None,
    show: Show,
) -> tuple["EvaluationOutcome", dict[str, Any]]:
    from streams.evaluation.plays_pass import read_stream, run
    from streams.evaluation.report import finished, outcome_of, report

    contest = _contest(question)
    began = time.perf_counter()
    stream = read_stream(data, listener, show)
    read_s = time.perf_counter() - began
    left_out = [*stream.report.bad_reasons.lines()]
    left_out += [f"not read: {each}" for each in stream.report.skipped]
    left_out += [f"ignored {rows(count)}: {why}" for why, count in stream.report.ignored.items()]
    for line in left_out:
        console.say(line)
    if not len(stream.plays):
        why = "The lines above state what is wrong with the rows."
        raise HistoryError("No row is a play.", why if left_out else "The files hold no rows.")
    plays = stream.plays
    if catalogue:
        from streams.evaluation.known_tracks import introduce, read_catalogue

        plays = introduce(contest, read_catalogue(catalogue), plays)
    run(contest, plays, show)
    outcome = outcome_of(contest, question.min_history, stream.plays.scored)
    result = report(contest, outcome, question) | stream.figures(question.min_history)
    result["digest"] = contest.contestants[0].ranker.digest()
    return outcome, finished(result, read_s, time.perf_counter() - began)


def _evaluate_log(
    settings: Settings, question: "Question", show: Show
) -> tuple["EvaluationOutcome", dict[str, Any]]:
    from streams.evaluation.log_pass import run, stream_figures_of
    from streams.evaluation.report import finished, outcome_of, report

    kafka = addresses_of(settings).kafka
    contest = _contest(question)
    began = time.perf_counter()
    fold = run(contest, settings, kafka, lambda events: show(None, f"{events:,} events"))
    outcome = outcome_of(contest, question.min_history)
    result = report(contest, outcome, question) | stream_figures_of(fold, question.min_history)
    return outcome, finished(result, 0.0, time.perf_counter() - began)


def _write_curve(path: Path, outcome: "EvaluationOutcome", window: int) -> None:
    from streams.evaluation.curve import write_curve

    write_curve(path, outcome, window)
    console.say(f"curve: {path}")
