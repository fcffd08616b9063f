"""How the command speaks: tables and progress for people on stderr or stdout, JSON for machines."""

import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

import orjson
from rich.console import Console


class _Remarks(Console):
    """Stderr; who has closed it hears no more, and that stops no work and costs no result."""

    def on_broken_pipe(self) -> None:
        self.quiet = True

    def remark(self, text: str, *, markup: bool = False) -> None:
        """Prints a line as long as somebody may read it."""
        try:
            self.print(text, markup=markup, soft_wrap=True)
        except OSError:  # the terminal was closed
            self.quiet = True


out = Console(highlight=False)
err = _Remarks(stderr=True, highlight=False)


def say(text: str) -> None:
    """A line about what goes on, for people; stdout stays free for results."""
    err.remark(text)


def failure(message: str, remedy: str) -> None:
    """What is wrong and what to do, in plain words."""
    err.remark(f"[bold red]error:[/] {_escaped(message)}", markup=True)
    if remedy:
        err.remark(f"  {_escaped(remedy)}", markup=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode())


def print_json_line(value: Any) -> None:
    """One JSON document as a line on stdout, at once."""
    print(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode(), flush=True)


def leave(exit_code: int) -> NoReturn:
    """Ends the process at once, though threads of it may still wait for servers that hang."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # whoever read it is gone
            stream.flush()
    os._exit(exit_code)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
