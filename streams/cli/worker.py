"""`echotune worker sequencer|recommender|keeper`: one worker in the foreground."""

from typing import Annotated, Any

import typer

from streams.addresses import addresses_of
from streams.cli import EXIT_INTERRUPTED, console
from streams.kafka.refusals import refusals_in_words
from streams.kafka.retries import until_answered_blocking
from streams.kafka.topic_facts import describe_topic
from streams.settings import Settings
from streams.workers.stopping import ended_at_once, until_stopped
from topics.catalogue import LEARNING_LOG, LISTENING_EVENTS, MODEL_LIFECYCLE, Topic

worker_app = typer.Typer(
    help="Runs one worker until Ctrl-C or SIGTERM. Start as many as you like.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.add_typer(worker_app, name="worker")


@worker_app.command(epilog="Example: echotune worker sequencer")
def sequencer() -> None:
    """Validates listening-events and writes them to the learning-log, in one total order."""
    with ended_at_once(EXIT_INTERRUPTED):
        from streams.log_setup import log_to_stderr
        from streams.workers.faust_app import run_worker
        from streams.workers.sequencer_worker import SequencerWorker
        from streams.workers.worker_rights import check_sequencer_rights

        settings = Settings()
        log_to_stderr(as_json=True)
        addresses = addresses_of(settings)
        _wait_for(LISTENING_EVENTS, addresses.kafka)
    with refusals_in_words(addresses.kafka):
        check_sequencer_rights(addresses.kafka)
        run_worker(lambda: SequencerWorker(settings, addresses))


@worker_app.command(epilog="Example: echotune worker recommender --generation first")
def recommender(
    generation: Annotated[str | None, typer.Option(help="The generation it works for.")] = None,
    shard: Annotated[int | None, typer.Option(help="i of the identity i of M.")] = None,
    shards: Annotated[int | None, typer.Option(help="M of the identity i of M.")] = None,
) -> None:
    """Learns from the learning-log and publishes every listener's list."""
    with ended_at_once(EXIT_INTERRUPTED):
        from streams.generation.fold_factory import new_fold
        from streams.generation.warm_up import warm_up
        from streams.lifecycle.first_start import begin_journal
        from streams.lifecycle.generation_record import settings_from
        from streams.lifecycle.journal import Journal
        from streams.lifecycle.roles import wait_while_parked
        from streams.log_setup import log_to_stderr
        from streams.workers.faust_app import run_worker
        from streams.workers.recommender_worker import RecommenderWorker
        from streams.workers.worker_rights import check_recommender_rights

        given: dict[str, Any] = {"generation": generation, "shard": shard, "shards": shards}
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
        log_to_stderr(as_json=True)
        new_fold(settings)  # a model that cannot be is refused before anything is waited for
        addresses = addresses_of(settings)
        _wait_for(LEARNING_LOG, addresses.kafka)
        with refusals_in_words(addresses.kafka):
            check_recommender_rights(addresses.kafka, settings)
            journal = Journal(addresses.kafka)
            until_answered_blocking(
                lambda: begin_journal(journal, settings, addresses.kafka), console.say
            )
            settings = settings_from(journal.lifecycle, settings)
            wait_while_parked(journal, settings.generation, settings.home)
        console.say(f"recommender {settings.recommender_id}: compiling the model if need be")
        warm_up(settings)
        with refusals_in_words(addresses.kafka):  # it may have been stopped or retired meanwhile
            until_answered_blocking(journal.read, console.say)
            wait_while_parked(journal, settings.generation, settings.home)
    with refusals_in_words(addresses.kafka):
        run_worker(lambda: RecommenderWorker(settings, addresses, journal))


@worker_app.command(epilog="Example: echotune worker keeper")
def keeper() -> None:
    """Promotes and rolls back generations whose autopilot is armed; `run` does so by itself."""
    import asyncio

    from streams.lifecycle.journal import Journal
    from streams.workers.keeper import Keeper

    settings = Settings()
    addresses = addresses_of(settings)
    _wait_for(MODEL_LIFECYCLE, addresses.kafka)
    with refusals_in_words(addresses.kafka), Journal(addresses.kafka) as journal:
        keeper = Keeper(settings, addresses, journal, console.say)
        asyncio.run(until_stopped(keeper.run()))


def _wait_for(topic: Topic, kafka: str) -> None:
    """Waits until Kafka answers; the worker itself reports a missing topic."""
    until_answered_blocking(lambda: describe_topic(kafka, topic.name), console.say)
