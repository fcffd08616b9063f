"""What the README shows works as it stands there."""

import ast
import json
import re

import pytest

from tests.support.station import REPOSITORY, Station, wait_until
from topics.recommendation_list import EVERYONE

README = (REPOSITORY / "README.md").read_text()


def test_the_python_examples_produce_an_event_and_read_the_list_that_it_becomes(
    station: Station, capsys: pytest.CaptureFixture[str]
) -> None:
    sending, reading = (
        each.replace("127.0.0.1:9092", station.addresses.kafka)
        for each in re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    )
    station.start("sequencer")
    station.start("recommender")
    exec(sending, {})
    wait_until(station.status, lambda found: found["applied"] == 1)
    listed = wait_until(
        lambda: station.run("recommend", "me", "--json").stdout, lambda found: "fallback" in found
    )
    assert '"fallback": false' in listed
    capsys.readouterr()
    exec(reading, {})
    listener, tracks = capsys.readouterr().out.split(maxsplit=1)
    assert listener in ("me", EVERYONE)
    assert ast.literal_eval(tracks) in (
        [],
        [item["track_id"] for item in json.loads(listed)["items"]],
    )


def test_every_make_target_that_the_readme_names_is_in_make_help() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z-]+)", README))
    assert named
    assert named <= set(re.findall(r"^([a-z-]+):.*?  ## ", makefile, re.MULTILINE))
