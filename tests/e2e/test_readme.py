"""What the README shows works as it stands there."""

import re

from tests.support.station import REPOSITORY, Station, wait_until

README = (REPOSITORY / "README.md").read_text()


def test_the_python_example_produces_an_event_that_becomes_a_list(station: Station) -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    station.start("sequencer")
    station.start("recommender")
    exec(example.replace("127.0.0.1:9092", station.addresses.kafka), {})
    wait_until(station.status, lambda found: found["applied"] == 1)
    listed = wait_until(
        lambda: station.run("recommend", "me", "--json").stdout, lambda found: "fallback" in found
    )
    assert '"fallback": false' in listed


def test_every_make_target_that_the_readme_names_is_in_make_help() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z-]+)", README))
    assert named
    assert named <= set(re.findall(r"^([a-z-]+):.*?  ## ", makefile, re.MULTILINE))
