"""Erased listeners whose lists Redis or the topic may still hold."""

from collections.abc import Callable, Iterable

from streams.frontier import Frontier


class Removals:
    """What is to be removed, until both stores are known to have done it.

    >>> removals = Removals()
    >>> removals.owe(["ann"])
    >>> removals.due(lambda listener_id: True)
    ['ann']
    >>> removals.told(["ann"], Frontier(0, 7))
    >>> removals.due(lambda listener_id: True), bool(removals)
    ([], True)
    >>> removals.done(Frontier(0, 7))
    >>> bool(removals)
    False
    """

    def __init__(self) -> None:
        self._told: dict[str, Frontier | None] = {}
        """Listener → the frontier that Redis was told with the removal; None before."""

    def __bool__(self) -> bool:
        return bool(self._told)

    def owe(self, listener_ids: Iterable[str]) -> None:
        """Takes note of erased listeners."""
        self._told |= dict.fromkeys(listener_ids)

    def due(self, is_gone: Callable[[str], bool]) -> list[str]:
        """Whose lists are to be removed now; drops those who have come back, with a new list."""
        self._told = {each: at for each, at in self._told.items() if is_gone(each)}
        return sorted(each for each, at in self._told.items() if at is None)

    def told(self, listener_ids: Iterable[str], at: Frontier | None) -> None:
        """Redis has removed these lists as of `at`; the topic is to follow."""
        self._told |= dict.fromkeys(listener_ids, at)

    def done(self, topic: Frontier) -> None:
        """The topic has committed everything up to `topic`."""
        reached = topic.position
        self._told = {
            each: at for each, at in self._told.items() if at is None or at.position > reached
        }

    def begin_again(self) -> None:
        """Owes everything anew: what the topic was told may never be committed."""
        self._told = dict.fromkeys(self._told)
