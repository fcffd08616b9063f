"""Every error that people meet, on one screen; the command line prints it and ends with code 3.

    EchoTuneError               wrong arguments: an event, an origin, a town that cannot be
    ├── SettingsError           an ECHOTUNE_* setting, an option or a model cannot work: correct it
    ├── ServerError             a server is away, cannot be started, or refuses: start it, or wait
    │   ├── RegistryUnavailableError  the schema registry does not answer: start it, or fix its URL
    │   └── UnreadableError     Kafka cannot send these records: is it up, and is the topic whole?
    ├── TopicError              the cluster's topics are not the catalogue's: echotune topics check
    ├── SchemaError             a schema is unknown or incompatible: register it, or give it up
    │   └── SchemaRefusedError  the registry takes no such schema: delete the versions it breaks
    ├── HistoryError            a file of listening history cannot be read: correct its path, format
    ├── SnapshotError           a snapshot is damaged, or not written: make room, or start again
    │   └── NewerSnapshotError  a newer EchoTune wrote it: upgrade, or echotune reset --snapshots
    ├── LogError                the learning-log is not the state's, or another recommender took
    │                           over: restore the log, echotune reset, or start the worker again
    └── PositionError           a topic lacks the next offset: start the worker again, it compares

Code raises the narrowest class. `ModelError` of `online_models.errors` is not among them, since
the models know nothing of `topics`: what chooses a model raises it again as a `SettingsError`.
Exceptions of libraries end where the library is called, as one of these.
"""


class EchoTuneError(Exception):
    """Something a person can act on.

    `message` says what is wrong and where, `remedy` what to do; the command line prints both
    and no traceback.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class SettingsError(EchoTuneError):
    """A setting is missing or has a value that cannot work."""


class ServerError(EchoTuneError):
    """A server cannot be started, found or reached."""


class UnreadableError(ServerError):
    """Kafka responded that it cannot send the requested records: a retry does not help."""


class RegistryUnavailableError(ServerError):
    """The registry does not answer, or not as a registry would: that says nothing of a schema."""


class TopicError(EchoTuneError):
    """The cluster's topics are not those of the catalogue."""


class SchemaError(EchoTuneError):
    """A schema is missing, unknown or not compatible with what was released."""


class SchemaRefusedError(SchemaError):
    """The registry takes no such schema: it is not compatible, or it is none."""


class HistoryError(EchoTuneError):
    """A listening history cannot be read."""


class SnapshotError(EchoTuneError):
    """A snapshot cannot be written, or none fits the log."""


class NewerSnapshotError(SnapshotError):
    """A snapshot was written by newer code; it is left as it is, and nothing is loaded."""


class LogError(EchoTuneError):
    """The learning-log is not the one that the state was folded from."""


class PositionError(EchoTuneError):
    """A topic does not have the offset that is to be read next."""
