"""How variables of the environment become settings."""

from pathlib import Path

import pytest

from streams.settings import Settings
from topics.errors import SettingsError


@pytest.mark.parametrize("name", ["home", "kafka_libs", "partitions", "redis", "model"])
def test_a_variable_that_is_set_to_nothing_means_the_default(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"ECHOTUNE_{name.upper()}"
    monkeypatch.delenv(variable, raising=False)
    default = getattr(Settings(), name)
    monkeypatch.setenv(variable, "")
    assert getattr(Settings(), name) == default


def test_a_secret_comes_from_its_file_where_its_own_variable_is_set_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("redis://host:6379/0\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECHOTUNE_REDIS", "")
    monkeypatch.setenv("ECHOTUNE_REDIS_FILE", "~/secret")
    assert Settings().redis.get_secret_value() == "redis://host:6379/0"


@pytest.mark.parametrize("name", ["home", "kafka_libs", "redis_ssl_ca_location"])
def test_a_tilde_is_the_users_folder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somebody")
    monkeypatch.setenv(f"ECHOTUNE_{name.upper()}", "~/echotune")
    assert getattr(Settings(), name) == Path("/somebody/echotune")


def test_a_tilde_of_nobody_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOTUNE_HOME", "~no-such-user/echotune")
    with pytest.raises(SettingsError, match="~no-such-user/echotune begins with the folder"):
        Settings()
