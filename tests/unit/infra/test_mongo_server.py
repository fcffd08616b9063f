"""What is advised where the stand-in of MongoDB is missing can be done."""

import shutil
import sys
import sysconfig

import pytest

from infra.mongo_server import server_program
from topics.errors import ServerError


@pytest.mark.parametrize(
    ("version", "what", "remedy"),
    [
        ((3, 13, 1), "SecantusDB is not installed.", "Install echotune[embedded]"),
        ((3, 14, 0), "SecantusDB has no wheel for Python 3.14.", "Set ECHOTUNE_MONGO"),
    ],
)
def test_a_stand_in_that_cannot_be_installed_is_not_advised(
    version: tuple[int, int, int], what: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: "/nowhere")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(ServerError) as missing:
        server_program()
    assert missing.value.message == what
    assert remedy in missing.value.remedy
    assert ("embedded" in missing.value.remedy) is (version < (3, 14))
