"""The schema id with which a topic's values are written: the registry's, if one is configured."""

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
    """The id of a topic's contract in a schema registry; writers wait for it before they write.

    Readers that use a registry cannot read values with a fixed id. `value` stays None if no
    registry is configured: values then have the fixed ids of the contracts.
    """

    def __init__(self, registry: SchemaRegistry | None, topic: Topic) -> None:
        self._registry = registry
        self._topic = topic
        self.value: int | None = None
        self.error: str | None = None
        """Why the registry has not returned the id yet."""

    def wait(self, ended: Event) -> bool:
        """Polls the registry until the id is known; returns False if `ended` is set first."""
        while self._registry is not None and self.value is None:
            if ended.is_set():
                return False
            self._fetch(self._registry)
            if self.value is None:
                ended.wait(_AGAIN_S)
        return True

    def renewed(self) -> "RegisteredId":
        """A new object for the same topic; its id is fetched again."""
        return RegisteredId(self._registry, self._topic)

    def _fetch(self, registry: SchemaRegistry) -> None:
        try:
            self.value = registered_id(registry, self._topic)
            missing = f"{subject_of(self._topic)} lacks the contract"
            error = missing if self.value is None else None
        except EchoTuneError as failure:
            error = failure.message
        if error and not self.error:
            _log.warning("lists wait for the schema registry", error=error, remedy=_REMEDY)
        self.error = error
