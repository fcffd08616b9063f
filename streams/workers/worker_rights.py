"""The rights without which a worker cannot do its work, as docs/security.md lists them."""

from streams.kafka.rights import check_rights
from streams.settings import Settings
from topics.catalogue import (
    DEAD_LETTERS,
    LEARNING_LOG,
    LEARNING_PROGRESS,
    LISTENING_EVENTS,
    MODEL_LIFECYCLE,
    RECOMMENDATIONS,
)


def check_sequencer_rights(kafka: str) -> None:
    """Raises `RefusedError` if a sequencer has too few rights."""
    check_rights(
        kafka,
        topics={
            LISTENING_EVENTS.name: ["READ"],
            LEARNING_LOG.name: ["WRITE"],
            LEARNING_PROGRESS.name: ["READ"],
            MODEL_LIFECYCLE.name: ["READ"],
            DEAD_LETTERS.name: ["WRITE"],
        },
        groups={
            "echotune-sequencer": ["READ"],
            "echotune-bounds": ["DESCRIBE"],
            "echotune-progress-reader": ["DESCRIBE"],
            "echotune-journal": ["DESCRIBE"],
        },
    )


def check_recommender_rights(kafka: str, settings: Settings) -> None:
    """Raises `RefusedError` if a recommender has too few rights."""
    own = settings.recommender_id.removeprefix(settings.prefix)
    check_rights(
        kafka,
        topics={
            LEARNING_LOG.name: ["READ", "WRITE"],
            LEARNING_PROGRESS.name: ["READ", "WRITE"],
            RECOMMENDATIONS.name: ["WRITE"],
            MODEL_LIFECYCLE.name: ["READ", "WRITE"],
        },
        groups={
            own: ["READ"],
            f"{own}-recommendations": ["READ"],
            "echotune-log-reader": ["DESCRIBE"],
            "echotune-progress-reader": ["DESCRIBE"],
            "echotune-journal": ["DESCRIBE"],
        },
    )
