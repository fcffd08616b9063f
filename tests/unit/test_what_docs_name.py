"""What docs and packages say of modules is there, and a package that introduces some names all."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()
PAGES = [path for path in FILES if re.fullmatch(r"(docs/)?[A-Za-z-]+\.md", path)]
PACKAGES = [
    path
    for path in FILES
    if path.endswith("/__init__.py") and path.startswith(("streams/", "online_models/", "infra/"))
]
ELSEWHERE = {"datasets/process_nowplaying.py"}
"""Files of other projects."""
PATH = re.compile(r"`([\w./-]+\.(?:py|avsc|toml|yaml|html|js))`")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = {each for each in PATH.findall((ROOT / page).read_text()) if each not in ELSEWHERE}
    ends = {path[at:] for path in FILES for at in _parts(path)}
    assert sorted(named - ends) == []


def _parts(path: str) -> list[int]:
    """Where the parts of a path begin."""
    return [0, *(found.end() for found in re.finditer("/", path))]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_that_introduces_some_of_its_modules_introduces_all(package: str) -> None:
    folder = Path(package).parent
    modules = {path.stem for path in map(Path, FILES) if path.parent == folder} - {"__init__"}
    modules |= {Path(path).parent.name for path in PACKAGES if Path(path).parent.parent == folder}
    said = ast.get_docstring(ast.parse((ROOT / package).read_text())) or ""
    named = {each for each in modules if re.search(rf"`{re.escape(each)}\b", said)}
    assert len(named) < 2 or sorted(modules - named - {"__main__"}) == []
