"""The buffer of the topic writer: each listener's newest list, and the newest frontier."""

from streams.lists.frontier import Frontier
from streams.lists.list_store import Publication
from topics.recommendation_list import RecommendationList

Lists = dict[str, RecommendationList | None]
"""Listener → their list, or None if they were erased; the topic then gets a tombstone."""


class GatheredLists:
    """Buffers publications until a transaction takes them; true while it has a complete one.

    The lists of a publication in several parts wait for the last part, which has the frontier.
    """

    def __init__(self) -> None:
        self._begun: Lists = {}
        """Lists of a publication whose last part was not added yet."""
        self._lists: Lists = {}
        self._frontier: Frontier | None = None

    def __bool__(self) -> bool:
        return self._frontier is not None

    def add(self, publication: Publication) -> bool:
        """Adds a publication or a part of one; returns whether it was the last part."""
        self._begun |= {each.listener_id: each for each in publication.lists}
        self._begun |= dict.fromkeys(publication.erased)
        if publication.more_follow:
            return False
        self._lists |= self._begun
        self._begun, self._frontier = {}, publication.frontier
        return True

    def take(self) -> tuple[Lists, Frontier]:
        """Removes and returns all complete publications; the buffer must be true."""
        assert self._frontier is not None
        taken = self._lists, self._frontier
        self._lists, self._frontier = {}, None
        return taken

    def give_back(self, lists: Lists, frontier: Frontier) -> None:
        """Puts back lists that could not be published; lists added meanwhile are newer."""
        self._lists = lists | self._lists
        self._frontier = self._frontier or frontier

    def clear(self) -> None:
        """Removes all lists, also those of incomplete publications."""
        self._begun, self._lists, self._frontier = {}, {}, None
