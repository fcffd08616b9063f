from rich.console import Console

from streams.cli.list_view import list_table
from streams.lists.list_store import StoredList
from topics.recommendation_list import RecommendedTrack


def shown(title: str, name: str) -> str:
    stored = StoredList([RecommendedTrack("t", 0.5, "own")], 0, 1, 2, 3)
    console = Console(width=80)
    with console.capture() as capture:
        console.print(list_table(title, stored, {"t": name}, k=1))
    return capture.get()


def test_names_are_shown_as_they_are_brackets_and_all() -> None:
    text = shown("for [/b]", "[red]Band – Song [live] [/foo]")
    assert "for [/b]" in text
    assert "[red]Band – Song [live] [/foo]" in text
