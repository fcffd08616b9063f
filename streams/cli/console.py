"""How the command speaks: tables and progress for people on stderr or stdout, JSON for machines."""

from typing import Any

import orjson
from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """A line about what goes on, for people; stdout stays free for results."""
    err.print(text, markup=False, soft_wrap=True)


def failure(message: str, remedy: str) -> None:
    """What is wrong and what to do, in plain words."""
    err.print(f"[bold red]error:[/] {_escaped(message)}", soft_wrap=True)
    if remedy:
        err.print(f"  {_escaped(remedy)}", soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode())


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
