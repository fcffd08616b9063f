"""`echotune republish dead-letters|FILE ...`: `deadletters replay` and `import` under one name."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.deadletters import replay_command
from streams.cli.import_history import import_command
from streams.cli.options import Json
from topics.errors import SettingsError

DEAD_LETTERS = "dead-letters"


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune republish plays.parquet")(republish)


def republish(
    what: Annotated[
        list[str], typer.Argument(metavar="dead-letters|FILE...", help="What to send again.")
    ],
    listener: Annotated[
        str | None, typer.Option(help="Of files: the listener, if they do not name one.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Of dead letters: only those with this reason.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="Of dead letters: only this topic/partition/offset.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Of dead letters: only say what would be sent.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Of dead letters: do not ask.")] = False,
    json: Json = False,
) -> None:
    """Sends dead letters or files of events again, each event once.

    It is `echotune deadletters replay` or `echotune import`: both may be repeated. A file that is
    called dead-letters is ./dead-letters.
    """
    if what != [DEAD_LETTERS]:
        _refuse(DEAD_LETTERS in what, f"{DEAD_LETTERS} is sent alone.")
        _refuse(
            bool(reason or origin or dry_run), "--reason, --origin and --dry-run select letters."
        )
        import_command([Path(each) for each in what], listener, json)
        return
    _refuse(listener is not None, "--listener is of files.")
    replay_command(reason, origin, dry_run, yes, json)


def _refuse(is_wrong: bool, why: str) -> None:
    if is_wrong:
        raise SettingsError(why, "Send dead letters and files one after the other.")
