"""`echotune verify`: live and replay agree, or it says so."""

import typer
from rich.progress import Progress

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json
from streams.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune verify --json")(verify)


def verify(
    json: Json = False,
) -> None:
    """Folds the log again from its start and compares the digest with the live one's.

    Exit code 0: equal; 1: not equal.
    """
    from streams.verification import verify as verified

    settings = Settings()
    with Progress(console=console.err, transient=True) as progress:
        task = progress.add_task("replaying the learning-log", total=None)
        result = verified(
            settings,
            addresses_of(settings),
            lambda at, last: progress.update(task, completed=at, total=last + 1),
        )
    if json:
        console.print_json(result.as_json())
    else:
        verdict = "[green]equal[/]" if result.equal else "[bold red]NOT EQUAL[/]"
        rate = result.events / max(result.seconds, 1e-9)
        told = f"{verdict} at log offset {result.offset:,}, {result.events:,} events"
        console.out.print(f"live    {result.live}\nreplay  {result.replay}")
        console.out.print(f"{told}, {rate:,.0f} events/s", soft_wrap=True)
    raise typer.Exit(0 if result.equal else 1)
