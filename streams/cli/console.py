"""Output of the commands: text for users on stderr or stdout, and JSON for scripts."""

import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

import orjson
from rich.console import Console


class _Stderr(Console):
    """Stderr. If its reader has closed it, messages are dropped, and the command continues."""

    def on_broken_pipe(self) -> None:
        self.quiet = True

    def note(self, text: str, *, markup: bool = False) -> None:
        """Prints a line, unless stderr is closed."""
        try:
            self.print(text, markup=markup, soft_wrap=True)
        except OSError:  # the terminal was closed
            self.quiet = True


out = Console(highlight=False)
err = _Stderr(stderr=True, highlight=False)


def say(text: str) -> None:
    """Prints a message for users on stderr; stdout is for results."""
    err.note(text)


def failure(message: str, remedy: str) -> None:
    """Prints an error and its remedy on stderr."""
    err.note(f"[bold red]error:[/] {_escaped(message)}", markup=True)
    if remedy:
        err.note(f"  {_escaped(remedy)}", markup=True)


def print_json(value: Any) -> None:
    """Prints one JSON document on stdout."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode())


def print_json_line(value: Any) -> None:
    """Prints one JSON document as a line on stdout, and flushes it."""
    print(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode(), flush=True)


def exit_now(exit_code: int) -> NoReturn:
    """Ends the process immediately, even if its threads still wait for servers that hang."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # its reader has closed it
            stream.flush()
    os._exit(exit_code)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
