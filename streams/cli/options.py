"""Options that several commands have."""

from typing import Annotated

import typer


def check_utf_8(*texts: str | None) -> None:
    """Raises `UnicodeEncodeError`, which the entry point puts into words, for what is no UTF-8."""
    for text in texts:
        if text is not None:
            text.encode()


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
