"""The page for operators lists what there is."""

from pathlib import Path

import pytest

from streams.settings import Settings

PAGE = (Path(__file__).parent.parent.parent / "docs" / "operations.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_on_the_page_for_operators(name: str) -> None:
    assert f"`ECHOTUNE_{name.upper()}`" in PAGE
