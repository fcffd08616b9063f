"""What is to be published to the topic next: of each listener the newest list, and the frontier."""

from streams.lists.frontier import Frontier
from streams.lists.list_store import Publication
from topics.recommendation_list import RecommendationList

Lists = dict[str, RecommendationList | None]
"""Listener → their list; None: they were erased, and the topic gets a tombstone."""


class GatheredLists:
    """Gathers publications until a transaction takes them; is true while there is one to take.

    Lists of a publication in several parts wait for the last part, which brings the frontier.
    """

    def __init__(self) -> None:
        self._begun: Lists = {}
        """Of a publication whose last part is yet to be offered."""
        self._lists: Lists = {}
        self._frontier: Frontier | None = None

    def __bool__(self) -> bool:
        return self._frontier is not None

    def add(self, publication: Publication) -> bool:
        """Adds a publication or a part of one; whether its last part is there."""
        self._begun |= {each.listener_id: each for each in publication.lists}
        self._begun |= dict.fromkeys(publication.erased)
        if publication.more_follow:
            return False
        self._lists |= self._begun
        self._begun, self._frontier = {}, publication.frontier
        return True

    def take(self) -> tuple[Lists, Frontier]:
        """Everything gathered, with the newest frontier; asks for `bool(self)`."""
        assert self._frontier is not None
        taken = self._lists, self._frontier
        self._lists, self._frontier = {}, None
        return taken

    def give_back(self, lists: Lists, frontier: Frontier) -> None:
        """Takes back what could not be published; what was gathered meanwhile is newer."""
        self._lists = lists | self._lists
        self._frontier = self._frontier or frontier

    def clear(self) -> None:
        """Forgets everything, parts included."""
        self._begun, self._lists, self._frontier = {}, {}, None
