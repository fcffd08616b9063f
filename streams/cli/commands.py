"""Which commands there are: each lives in a module of its own and is named here once."""

import typer


def register(app: typer.Typer) -> None:
    """Adds every command to `app`."""
    from streams.cli import (
        deadletters,
        evaluate,
        importing,
        listening,
        reading,
        running,
        servers,
        topics,
        verify,
        workers,
    )

    for module in (
        servers,
        topics,
        workers,
        running,
        importing,
        listening,
        reading,
        deadletters,
        verify,
        evaluate,
    ):
        module.add_to(app)
