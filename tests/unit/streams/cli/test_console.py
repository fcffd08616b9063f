"""What other people wrote is shown on a terminal, and never obeyed by it."""

import json
import os
import subprocess
import sys

import pytest

from streams.cli import console

HOSTILE = "So\x1b]0;What\x1b[2J\x9b2J\u202e\x7f"
PROGRAM = r"""
from streams.cli import console
console.replace_what_cannot_be_shown()
console.print_json({"name": "\u66f2 \U0001d11e \xe9"})
console.out.print("\u66f2 \xe9", markup=False)
"""
"""A program in ASCII, because an argument is decoded as the locale says."""


def test_messages_errors_and_results_send_no_control_character(
    capfd: pytest.CaptureFixture[str],
) -> None:
    console.say(HOSTILE)
    console.failure(HOSTILE, HOSTILE)
    console.out.print(HOSTILE, markup=False)
    said = "".join(capfd.readouterr())
    assert said.count("\\x1b]0;What\\x1b[2J\\x9b2J\\u202e\\x7f") == 4
    assert not set(said) & set("\x1b\x9b\u202e\x7f")


@pytest.mark.parametrize(
    "text", ["[/]", "\\[/bold]", "[red]a", "\\\\[link=b]", "a :smile: b", "a\\"]
)
def test_messages_have_no_markup(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    console.say(text)
    console.failure(text, text)
    assert capfd.readouterr().err == f"{text}\nerror: {text}\n  {text}\n"


def test_json_of_hostile_text_is_equal_and_has_no_control_character(
    capfd: pytest.CaptureFixture[str],
) -> None:
    console.print_json({"name": HOSTILE})
    text = capfd.readouterr().out
    assert json.loads(text) == {"name": HOSTILE}
    assert not set(text) & set("\x1b\x9b\u202e\x7f")


def test_a_name_of_a_file_that_is_no_utf8_is_shown_with_escapes(
    capfd: pytest.CaptureFixture[str],
) -> None:
    console.print_json({"skipped": ["B\udcf6rk.csv"]})
    assert json.loads(capfd.readouterr().out) == {"skipped": ["B\\udcf6rk.csv"]}
    console.out.print("B\udcf6rk.csv", markup=False)
    assert capfd.readouterr().out == "B\\udcf6rk.csv\n"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_what_a_terminal_cannot_show_is_replaced_and_json_stays_whole(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        check=True,
    )
    document, text = done.stdout.decode(encoding).rsplit("}", 1)
    assert json.loads(document + "}") == {"name": "曲 𝄞 é"}
    assert text.strip() == "曲 é".encode(encoding, "replace").decode(encoding)
