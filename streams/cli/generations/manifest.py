"""`generations manifest`: what a Kubernetes cluster needs for a generation."""

from typing import Annotated

import typer

from streams.cli import console
from streams.cli.generations.opened_journal import open_journal, unknown
from streams.cli.generations.options import Name
from topics.errors import SettingsError


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        "manifest",
        epilog="Example: echotune generations manifest second --image registry/echotune@sha256:...",
    )(manifest_command)


def manifest_command(
    name: Name,
    image: Annotated[str, typer.Option(help="The container image, best by its digest.")],
    memory: Annotated[str, typer.Option(help="Memory of one recommender.")] = "2Gi",
    storage: Annotated[str, typer.Option(help="Disk of one recommender, for snapshots.")] = "10Gi",
) -> None:
    """Prints the Kubernetes objects of a generation: a StatefulSet with a pod for each shard.

    Pipe it to `kubectl apply -f -`. Addresses of servers with passwords belong into the Secret
    `echotune`, whose keys are further ECHOTUNE_* variables.
    """
    from infra.kubernetes import NAME_MAX, Needs, as_yaml, objects_of

    if len(name) > NAME_MAX:
        raise SettingsError(
            f"Kubernetes takes no generation whose name has more than {NAME_MAX} characters.",
            "Create one like it under a shorter name: echotune generations create ... --like",
        )
    with open_journal() as (settings, _, journal):
        generation = journal.read().generations.get(name)
    if generation is None:
        raise unknown(name)
    if not settings.kafka:
        console.say("ECHOTUNE_KAFKA is not set here: put it into the Secret `echotune`")
    shown = {"ECHOTUNE_KAFKA": settings.kafka, "ECHOTUNE_PREFIX": settings.prefix}
    environment = {key: value for key, value in shown.items() if value}
    needs = Needs(image, generation.shards, memory, storage)
    print(as_yaml(objects_of(name, needs, environment)))
