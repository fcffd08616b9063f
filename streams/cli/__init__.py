"""The `echotune` command: one module a command, wired here.

Exit codes: 0 done; 1 the answer is no (a check failed, digests differ); 2 wrong usage;
3 something is wrong that a person can act on (said in one line); 130 stopped by Ctrl-C.
"""

import sys

import typer

from streams.cli import console
from topics.errors import EchoTuneError

EXIT_NO = 1
EXIT_ERROR = 3
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="echotune",
    help="A self-hosted, event-sourced, streaming music recommender.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point: errors people can act on are one line, never a traceback."""
    from streams.cli import commands

    commands.register(app)
    try:
        app(standalone_mode=True)
    except EchoTuneError as error:
        console.failure(error.message, error.remedy)
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
