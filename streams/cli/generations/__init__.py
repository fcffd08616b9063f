"""`echotune generations ...`: creates, starts, compares, promotes, rolls back, and retires them."""

import typer

from streams.cli.generations import compare, inspection, manifest, serving, states, wait


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    generations = typer.Typer(
        help="Models side by side on one log: which ones run, and which one serves whom.",
        no_args_is_help=True,
    )
    for each in (inspection, states, wait, compare, serving, manifest):
        each.add_to(generations)
    app.add_typer(generations, name="generations")
