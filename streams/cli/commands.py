"""The table of commands: the module of each.

Only the module of the command that is run is imported, so that every command starts quickly;
`--help` imports all of them. A command imports slow modules only when it runs.
"""

from importlib import import_module

import typer

MODULES = {
    "run": "run",
    "up": "servers",
    "down": "servers",
    "reset": "servers",
    "status": "status",
    "ready": "ready",
    "topics": "topics",
    "schemas": "schemas",
    "worker": "worker",
    "serve": "serve",
    "relays": "relays",
    "import": "import_history",
    "simulate": "simulate",
    "send": "send",
    "recommend": "recommend",
    "watch": "recommend",
    "deadletters": "deadletters",
    "duplicates": "duplicates",
    "verify": "verify",
    "doctor": "doctor",
    "evaluate": "evaluate",
    "models": "models",
    "generations": "generations",
    "people": "people",
    "tokens": "people",
    "backup": "archive",
    "restore": "archive",
    "export": "archive",
    "replay": "replay",
    "republish": "republish",
}
"""Name of the command → its module in `streams.cli`."""


def register(app: typer.Typer, command: str | None = None) -> None:
    """Adds the commands of the module that has `command`; all of them if there is no such one."""
    names = [MODULES[command]] if command in MODULES else dict.fromkeys(MODULES.values())
    for name in names:
        import_module(f"streams.cli.{name}").add_to(app)
