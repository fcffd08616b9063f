"""Options that several commands of generations have."""

from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="The generation's name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
Gated = Annotated[
    bool, typer.Option("--gated", help="Ask every condition, as ECHOTUNE_GATED=1 always does.")
]
Why = Annotated[str, typer.Option("--why", help="The reason, for the history.")]
