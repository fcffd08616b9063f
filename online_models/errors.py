"""The one error of the models: a configuration or a state that cannot work."""


class ModelError(Exception):
    """`message` says what is wrong, `remedy` what to do about it.

    The models are independent of `topics`, so this is not an `EchoTuneError`; the composition
    root turns it into one.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()
