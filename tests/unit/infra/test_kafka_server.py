"""Where Kafka's files come from does not decide whether it starts again."""

import shutil
from pathlib import Path

import pytest

from infra import kafka_server
from infra.daemon import Daemon
from infra.kafka_server import KafkaServer


def test_kafka_starts_again_from_a_checkout_that_is_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, folder = tmp_path / "checkout", tmp_path / "kafka"
    shutil.copytree(kafka_server._POM_FOLDER, checkout)
    (checkout / "log4j2.properties").chmod(0o444)
    monkeypatch.setattr(kafka_server, "_POM_FOLDER", checkout)
    monkeypatch.setattr(kafka_server, "spawn", lambda *_, **__: Daemon(1, 0.0, 9092))
    monkeypatch.setattr(kafka_server, "java", lambda: "java")
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "meta.properties").touch()
    (tmp_path / "libs").mkdir()
    KafkaServer(folder, tmp_path / "libs", tmp_path / "kafka.log").start(9092, print)
    copied = folder / "log4j2.properties"
    assert copied.read_text() == (checkout / "log4j2.properties").read_text()
    assert copied.stat().st_mode & 0o200, "the next start could not replace it"
