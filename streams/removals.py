"""Erased listeners whose lists Redis or the topic may still hold."""

from collections.abc import Callable, Iterable

from streams.frontier import Frontier

REMEMBERED_MAX = 10_000
"""Of who was removed, in case that Redis falls back to where it was not; in memory alone."""


class Removals:
    """What is to be removed, until both stores are known to have done it.

    >>> removals = Removals()
    >>> removals.owe(["ann"])
    >>> removals.due(lambda listener_id: True)
    ['ann']
    >>> removals.told(["ann"], Frontier(0, 7, serial=3))
    >>> removals.due(lambda listener_id: True), bool(removals)
    ([], True)
    >>> removals.done(Frontier(0, 7, serial=3))
    >>> bool(removals)
    False
    >>> removals.undone(Frontier(0, 6, serial=2))
    >>> removals.due(lambda listener_id: True)
    ['ann']
    """

    def __init__(self) -> None:
        self._told: dict[str, Frontier | None] = {}
        """Listener → the frontier that Redis was told with the removal; None before."""
        self._done: dict[str, Frontier] = {}
        """The same of the newest ones that both have done."""

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
        done = {each: at for each, at in self._told.items() if at and at.order <= topic.order}
        self._told = {each: at for each, at in self._told.items() if each not in done}
        self._done = dict([*self._done.items(), *done.items()][-REMEMBERED_MAX:])

    def undone(self, redis: Frontier) -> None:
        """Redis fell back to `redis`: what it was told beyond that it has to be told again."""
        told = {each: at for each, at in (self._done | self._told).items() if at is not None}
        back = [each for each, at in told.items() if at.order > redis.order]
        self._done = {each: at for each, at in self._done.items() if each not in back}
        self._told |= dict.fromkeys(back)

    def begin_again(self) -> None:
        """Owes everything anew: what the topic was told may never be committed, and Redis may fall
        back while somebody else publishes.
        """
        self._told = dict.fromkeys([*self._done, *self._told])
        self._done = {}
