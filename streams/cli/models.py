"""`echotune models`: lists the models, or prints the configuration of one as TOML."""

from typing import Annotated

import typer

from streams.cli import console
from streams.cli.options import Json
from topics.errors import SettingsError


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune models best > mine.toml")(models)


def models(
    model: Annotated[
        str | None, typer.Argument(help="A name, river:CLASS or a TOML file; none: lists all.")
    ] = None,
    json: Json = False,
) -> None:
    """Lists the models, or prints one as a TOML file that can be edited.

    `ECHOTUNE_MODEL` and `echotune evaluate --config` accept such a file.
    """
    from online_models.errors import ModelError
    from online_models.model_file import completed, written
    from online_models.registry import MODELS
    from streams.generation.model_choice import config_of

    if model is None:
        names = [name for name in MODELS if name not in ("river", "blend")]
        console.print_json(names) if json else print("\n".join([*names, "river:CLASS"]))
        return
    try:
        config = completed(config_of(model))
    except ModelError as error:
        raise SettingsError(error.message, error.remedy) from error
    if json:
        console.print_json(config)
    else:
        print(written(config), end="")
