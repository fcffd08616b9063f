"""All errors that users see, on one screen; the command line prints one and exits with code 3.

    EchoTuneError               wrong arguments: an event or an origin that cannot be
    ├── SettingsError           an ECHOTUNE_* setting, an option or a model cannot work: correct it
    ├── ServerError             a server is away, cannot be started, or refuses: start it, or wait
    │   ├── RefusedError    a server refuses this client: its password, certificate or rights
    │   ├── RegistryUnavailableError  the schema registry does not answer: start it, or fix its URL
    │   └── UnreadableError     Kafka cannot send these records: is it up, and is the topic whole?
    ├── TopicError              the cluster's topics are not the catalogue's: echotune topics check
    ├── SchemaError             a schema is unknown or incompatible: register it, or give it up
    │   └── SchemaRefusedError  the registry refuses the schema: delete incompatible versions
    ├── HistoryError            a file of listening history cannot be read: correct its path, format
    ├── SnapshotError           a snapshot is damaged, or not written: free disk space, restart
    │   └── NewerSnapshotError  a newer EchoTune wrote it: upgrade, or echotune reset --snapshots
    ├── LogError                the learning-log is not the state's, or another recommender took
    │                           over: restore the log, echotune reset, or start the worker again
    │   └── UndecodableRecordError  a record is damaged or newer: upgrade, or echotune topics void
    ├── ArchiveError            a backup or export is damaged, of another log, or cannot be written:
    │                           use another copy or folder, free disk space
    └── PositionError           a topic has no next offset: restart the worker, which compares

Code raises the narrowest class. `ModelError` of `online_models.errors` is not among them, because
models do not import `topics`; the caller that chooses a model re-raises it as a `SettingsError`.
Exceptions of libraries are translated into these classes where the library is called.
"""


class EchoTuneError(Exception):
    """An error that a user or operator can act on.

    `message` states what is wrong and where, and `remedy` what to do. The command line prints both,
    without a traceback.
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


class RefusedError(ServerError):
    """A server refuses this client, and will refuse it again: waiting does not help."""


class UnreadableError(ServerError):
    """Kafka responded that it cannot send the requested records: a retry does not help."""


class RegistryUnavailableError(ServerError):
    """The registry does not answer, or not as a registry would: that says nothing of a schema."""


class TopicError(EchoTuneError):
    """The cluster's topics are not those of the catalogue."""


class SchemaError(EchoTuneError):
    """A schema is missing, unknown or not compatible with what was released."""


class SchemaRefusedError(SchemaError):
    """The registry refuses the schema: it is incompatible or invalid."""


class HistoryError(EchoTuneError):
    """A listening history cannot be read."""


class SnapshotError(EchoTuneError):
    """A snapshot cannot be written, or none fits the log."""


class NewerSnapshotError(SnapshotError):
    """A snapshot was written by newer code; it is left unchanged, and nothing is loaded."""


class LogError(EchoTuneError):
    """The learning-log is not the one that the state was folded from."""


class UndecodableRecordError(LogError):
    """A record of the learning-log is damaged, or was written by a newer version."""

    may_be_newer = False
    """Whether a newer version may have written it: its schema id is not known."""


class ArchiveError(EchoTuneError):
    """A backup or an export is damaged, is of another log, or cannot be written."""


class PositionError(EchoTuneError):
    """A topic does not have the offset that has to be read next."""
