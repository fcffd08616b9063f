"""The pages for operators list what there is."""

from pathlib import Path

import pytest

from streams.settings import Settings

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = "".join((DOCS / name).read_text() for name in ("operations.md", "security.md"))


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_on_a_page_for_operators(name: str) -> None:
    assert f"`ECHOTUNE_{name.upper()}`" in PAGES
