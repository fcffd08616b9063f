"""Output of the commands: text for users on stderr or stdout, and JSON for scripts."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, NoReturn, TextIO

import orjson
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from streams.cli.untrusted_text import visible, visible_json


class _Visible(Console):
    """A terminal that obeys no control character of the text that it shows."""

    @property
    def can_redraw(self) -> bool:
        """Whether what was shown can be shown anew in its place; elsewhere lines are printed."""
        return self.is_terminal and not self.is_dumb_terminal

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)


class _Stderr(_Visible):
    """Stderr. If its reader has closed it, messages are dropped, and the command continues."""

    def on_broken_pipe(self) -> None:
        self.quiet = True

    def note(self, text: str | Text) -> None:
        """Prints a line, unless stderr is closed."""
        try:
            self.print(text, markup=False, soft_wrap=True)
        except OSError:  # the terminal was closed
            self.quiet = True


out = _Visible(highlight=False, emoji=False)
err = _Stderr(stderr=True, highlight=False, emoji=False)


def say(text: str) -> None:
    """Prints a message for users on stderr; stdout is for results."""
    err.note(text)


def failure(message: str, remedy: str) -> None:
    """Prints an error and its remedy on stderr."""
    err.note(Text.assemble(("error:", "bold red"), f" {message}"))
    if remedy:
        err.note(f"  {remedy}")


def print_json(value: Any) -> None:
    """Prints one JSON document on stdout."""
    print(_json(value, orjson.OPT_INDENT_2))


def print_json_line(value: Any) -> None:
    """Prints one JSON document as a line on stdout, and flushes it."""
    print(_json(value), flush=True)


def _json(value: Any, option: int = 0) -> str:
    option |= orjson.OPT_SERIALIZE_NUMPY
    try:
        text = orjson.dumps(value, option=option).decode()
    except orjson.JSONEncodeError:
        text = orjson.dumps(_encodable(value), option=option).decode()
    return visible_json(text, ascii_only=not _is_utf8(sys.stdout))


def _encodable(value: Any) -> Any:
    """The value with escapes instead of lone surrogates, which names of files may have."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list | tuple) else value


def replace_what_cannot_be_shown() -> None:
    """Has stdout show a replacement for each character that its encoding does not have."""
    if isinstance(sys.stdout, TextIOWrapper) and not _is_utf8(sys.stdout):
        sys.stdout.reconfigure(errors="replace")


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def exit_now(exit_code: int) -> NoReturn:
    """Ends the process immediately, even if its threads still wait for servers that hang."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # its reader has closed it
            stream.flush()
    os._exit(exit_code)
