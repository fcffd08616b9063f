"""The list of commands; each is in a module of its own.

A command imports slow modules only when it runs, so that the other commands start quickly.
"""

from importlib import import_module

import typer

MODULES = (
    "run",
    "servers",
    "status",
    "topics",
    "schemas",
    "worker",
    "import_history",
    "simulate",
    "send",
    "recommend",
    "deadletters",
    "verify",
    "doctor",
    "evaluate",
    "models",
    "generations",
    "archive",
)


def register(app: typer.Typer) -> None:
    """Adds every command to `app`."""
    for name in MODULES:
        import_module(f"streams.cli.{name}").add_to(app)
