"""The errors people see: each says what is wrong and what to do about it."""


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


class SchemaError(EchoTuneError):
    """A schema is missing, unknown or not compatible with what was released."""


class TopicError(EchoTuneError):
    """The cluster's topics are not those of the catalogue."""


class SettingsError(EchoTuneError):
    """A setting is missing or has a value that cannot work."""


class ServerError(EchoTuneError):
    """A server cannot be started, found or reached."""


class HistoryError(EchoTuneError):
    """A listening history cannot be read."""


class SnapshotError(EchoTuneError):
    """A snapshot cannot be written, or none fits the log."""


class LogError(EchoTuneError):
    """The learning-log is not the one that the state was folded from."""
