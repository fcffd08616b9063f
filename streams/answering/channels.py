"""Where questions and answers meet: channels in Redis, of which nothing is stored. Pure.

A question goes to all recommenders that own a shard of a generation; the one whose listener it is
answers to the channel of who asked. `PUBLISH` says how many heard it: nobody, if all are away.
"""

from typing import NamedTuple

_ID_LETTERS = 32
_AWAY = b"-"


def questions_channel(generation: str, prefix: str = "") -> str:
    """The channel of questions to a generation."""
    return f"{prefix}echotune:questions:{generation}"


def answers_channel(asker: str, prefix: str = "") -> str:
    """The channel of answers to one process that asks."""
    return f"{prefix}echotune:answers:{asker}"


class Asked(NamedTuple):
    """A question on its way: who asked, under which number, and what."""

    asker: str
    number: int
    question: bytes

    def to_bytes(self) -> bytes:
        """The message."""
        return f"{self.asker} {self.number} ".encode() + self.question


class Answered(NamedTuple):
    """An answer on its way; None: whoever heard the question cannot answer now."""

    number: int
    answer: bytes | None

    def to_bytes(self) -> bytes:
        """The message."""
        return f"{self.number} ".encode() + (_AWAY if self.answer is None else self.answer)


def asked_of(message: bytes) -> Asked:
    """Parses `Asked.to_bytes`; raises `ValueError` if it is none."""
    asker, number, question = message.split(b" ", 2)
    if len(asker) != _ID_LETTERS or not asker.isalnum():
        raise ValueError("this is no question")
    return Asked(asker.decode("ascii"), int(number), question)


def answered_of(message: bytes) -> Answered:
    """Parses `Answered.to_bytes`; raises `ValueError` if it is none."""
    number, answer = message.split(b" ", 1)
    return Answered(int(number), None if answer == _AWAY else answer)
