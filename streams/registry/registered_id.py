"""Under which schema id a topic's values are written: the registry's, where one is set."""

from threading import Event

import structlog

from streams.registry.contracts import registered_id, subject_of
from streams.registry.schema_registry import SchemaRegistry
from topics.catalogue import Topic
from topics.errors import EchoTuneError

_log = structlog.get_logger(__name__)
_AGAIN_S = 5.0
_REMEDY = "echotune schemas apply"


class RegisteredId:
    """The id of a topic's contract in a schema registry, awaited before the first value is written.

    Readers that use a registry cannot read values under a fixed id. `value` stays None where no
    registry is set: then values bear the fixed ids of the contracts.
    """

    def __init__(self, registry: SchemaRegistry | None, topic: Topic) -> None:
        self._registry = registry
        self._topic = topic
        self.value: int | None = None
        self.error: str | None = None
        """Why the registry has not said the id yet."""

    def wait(self, ended: Event) -> bool:
        """Asks again every few seconds until the id is known; False where `ended` is set before."""
        while self._registry is not None and self.value is None:
            if ended.is_set():
                return False
            self._ask(self._registry)
            if self.value is None:
                ended.wait(_AGAIN_S)
        return True

    def renewed(self) -> "RegisteredId":
        """The same, not asked for yet."""
        return RegisteredId(self._registry, self._topic)

    def _ask(self, registry: SchemaRegistry) -> None:
        try:
            self.value = registered_id(registry, self._topic)
            lacks = f"{subject_of(self._topic)} lacks the contract"
            error = lacks if self.value is None else None
        except EchoTuneError as failure:
            error = failure.message
        if error and not self.error:
            _log.warning("lists wait for the schema registry", error=error, remedy=_REMEDY)
        self.error = error
