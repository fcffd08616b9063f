import pytest
from rich.cells import cell_len
from rich.console import Console

from streams.cli.list_view import list_table
from streams.lists.list_store import StoredList
from streams.lists.reasons import REASONS
from topics.recommendation_list import RecommendedTrack


def shown(title: str, name: str, *, width: int = 80, explain: bool = False) -> str:
    stored = StoredList([RecommendedTrack("t", 0.5, "own")], 0, 1, 2, 3)
    console = Console(width=width)
    with console.capture() as capture:
        console.print(list_table(title, stored, {"t": name}, k=1, explain=explain))
    return capture.get()


def test_names_are_shown_as_they_are_brackets_and_all() -> None:
    text = shown("for [/b]", "[red]Band – Song [live] [/foo]")
    assert "for [/b]" in text
    assert "[red]Band – Song [live] [/foo]" in text


@pytest.mark.parametrize("letter", ["x", "曲", "é"])
@pytest.mark.parametrize("explain", [False, True])
def test_a_long_title_is_shortened_and_all_other_columns_stay(letter: str, explain: bool) -> None:
    text = shown("for ann", "Largo " + 300 * letter, explain=explain)
    [row] = [line for line in text.splitlines() if "Largo" in line]
    why = REASONS["own"] if explain else "own"
    assert row.split()[0] == "1"
    assert f"0.500  {'own: ' if explain else ''}{why}" in row
    assert "…" in row
    assert cell_len(row.rstrip()) <= 80


def test_a_list_of_short_titles_is_no_wider_than_they_are() -> None:
    assert max(len(line.rstrip()) for line in shown("for ann", "So What").splitlines()) < 40


def test_a_title_cannot_steer_the_terminal_nor_break_its_row() -> None:
    text = shown("for a\x1b]0;b\x07", "So\x1b[2J\nWhat\u202e\x9b")
    assert "So\\x1b[2J\\x0aWhat\\u202e\\x9b" in text
    assert not set(text) & set("\x1b\x07\u202e\x9b")
