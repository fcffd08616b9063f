"""`ModelError`, the one error of the models."""


class ModelError(Exception):
    """A configuration or a state that a model cannot use.

    `message` states what is wrong, and `remedy` what to do about it. The models are independent
    of `topics`, so this is not an `EchoTuneError`; the composition root translates it into one.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Message and remedy, as people read them."""
        return f"{self.message} {self.remedy}".rstrip()
