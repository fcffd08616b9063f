"""The `echotune` command; this is its entry point, and `commands` lists the modules of all."""

import errno
import os
import signal
import sys
import threading
from contextlib import suppress

import typer
from pydantic import ValidationError

from streams.cli import console
from topics.errors import EchoTuneError

EXIT_NO = 1
EXIT_ERROR = 3
EXIT_INTERRUPTED = 130
THREADS_END_S = 1.5
"""Time that threads of libraries have to end after a command."""
EXIT_CODES = (
    "Exit codes: 0 done; 1 the answer is no (a check failed, digests differ); "
    "2 wrong usage; 3 an error that you can act on, printed in a line; "
    "130 stopped by Ctrl-C."
)
_TOO_LITTLE_MEMORY = (
    "There is not enough memory for this command.",
    "Raise the limit (ulimit -v, or the container's), or end other programs.",
)

app = typer.Typer(
    name="echotune",
    help="A self-hosted, event-sourced, streaming music recommender.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


@app.callback()
def _group() -> None:
    """A self-hosted, event-sourced, streaming music recommender."""


def run_and_end() -> None:
    """Entry point: runs a command, and ends the process even if a library's thread never ends."""
    code = EXIT_ERROR
    try:
        main()
    except SystemExit as ended:
        if ended.code == EXIT_INTERRUPTED:  # Python itself may end with another code then
            console.exit_now(EXIT_INTERRUPTED)
        if ended.code is None or isinstance(ended.code, int):
            code = ended.code or 0
        raise
    finally:
        watchdog = threading.Timer(THREADS_END_S, os._exit, [code])
        watchdog.daemon = True
        watchdog.start()  # a crashed worker's threads would keep its partitions


def main() -> None:
    """Runs a command: errors that users can act on are printed in a line, never as a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # all end a command cleanly
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` and background jobs want it
            signal.signal(number, signal.default_int_handler)
    console.replace_what_cannot_be_shown()
    try:
        _run_command()
    except (EchoTuneError, ValidationError, MemoryError) as error:
        console.failure(*_in_words(error))
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:  # the reader has seen enough, as `head` has
        _discard_output()
        sys.exit(EXIT_NO)
    except OSError as error:
        if error.strerror is None:  # not from the operating system: a time-out in our own code
            raise
        _discard_output()
        console.failure(*_of_the_system(error))
        sys.exit(EXIT_ERROR)
    except UnicodeEncodeError as error:
        what = str(error.object).encode("utf-8", "surrogateescape")[:80]
        console.failure(f"This is no UTF-8 text: {what!r}.", "Names and ids have to be UTF-8.")
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _run_command() -> None:
    """Runs the command of the arguments, and writes what it has printed, which may fail."""
    from streams.cli import commands

    commands.register(app, sys.argv[1] if len(sys.argv) > 1 else None)
    try:
        app(standalone_mode=True)
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


def _discard_output() -> None:
    """Lets Python end without writing what could not be written; it would exit with 120."""
    with suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _in_words(error: EchoTuneError | ValidationError | MemoryError) -> tuple[str, str]:
    """What is wrong, and what to do."""
    if isinstance(error, EchoTuneError):
        return error.message, error.remedy
    return _wrong_settings(error) if isinstance(error, ValidationError) else _TOO_LITTLE_MEMORY


def _of_the_system(error: OSError) -> tuple[str, str]:
    """What the operating system refused, and what to do."""
    where = error.filename or "the standard output, or a file of the home folder"
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = (
        "Free disk space, or set ECHOTUNE_HOME to a folder on another disk."
        if is_full
        else "Make it readable and writable for this user, or set ECHOTUNE_HOME to another folder."
    )
    return f"{error.strerror}: {where}.", remedy


def _wrong_settings(error: ValidationError) -> tuple[str, str]:
    """The wrong environment variables, and where all of them are documented."""
    wrong = [f"ECHOTUNE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
    return f"Wrong settings: {'; '.join(wrong)}.", "docs/operations.md lists all settings."
