"""Settings of Kafka's security: what contradicts itself is refused, and no secret is shown."""

import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.addresses import addresses_of, shown_addresses
from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import KafkaCluster, KafkaSecurity
from streams.kafka.faust_credentials import broker_credentials
from streams.kafka.oauth_tokens import LIFETIME_UNKNOWN_S, expiry_of, token_in
from streams.kafka_security import kafka_security
from streams.settings import Settings
from topics.errors import ServerError, SettingsError

SECRET = "a secret that nobody may see"


def settings(**given: Any) -> Settings:
    """Settings of a cluster with passwords over TLS, with changes."""
    usual = {
        "kafka": "broker:9093",
        "redis": "redis://host:6379/0",
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_mechanism": "SCRAM-SHA-512",
        "kafka_sasl_username": "me",
        "kafka_sasl_password": SECRET,
    }
    return Settings(**{**usual, **given})


def test_librdkafka_gets_kafkas_own_settings() -> None:
    found = client_settings(addresses_of(settings()).kafka)
    assert found["bootstrap.servers"] == "broker:9093"
    assert found["security.protocol"] == "SASL_SSL"
    assert found["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (found["sasl.username"], found["sasl.password"]) == ("me", SECRET)
    assert found["ssl.endpoint.identification.algorithm"] == "https"


def test_a_cluster_in_plaintext_has_no_setting_of_security() -> None:
    plain = addresses_of(Settings(kafka="broker:9092", redis="redis://host:6379/0")).kafka
    assert client_settings(plain) == client_settings("broker:9092")
    assert not any(name.startswith(("sasl", "ssl", "secur")) for name in client_settings(plain))


def test_no_secret_is_in_what_can_be_printed() -> None:
    one = settings(kafka_ssl_key_password=SECRET)
    addresses = addresses_of(one)
    printed = [str(one), repr(one), repr(kafka_security(one)), repr(addresses)]
    printed += [str(addresses.kafka), json.dumps(shown_addresses(addresses))]
    assert not any(SECRET in each for each in printed)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kafka_security_protocol": "PLAINTEXT"}, "ECHOTUNE_KAFKA_SASL_MECHANISM is set"),
        ({"kafka_security_protocol": "SSL"}, "Set ECHOTUNE_KAFKA_SECURITY_PROTOCOL to SASL"),
        ({"kafka_sasl_mechanism": ""}, "ECHOTUNE_KAFKA_SASL_MECHANISM is not set"),
        ({"kafka_sasl_password": ""}, "ECHOTUNE_KAFKA_SASL_PASSWORD_FILE"),
        ({"kafka_sasl_mechanism": "OAUTHBEARER"}, "OAUTHBEARER_TOKEN_FILE"),
        ({"kafka_ssl_ca_location": "/is/not/there.crt"}, "/is/not/there.crt"),
        (
            {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_ssl_ca_location": "/a.crt"},
            "to SSL or SASL_SSL",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        kafka_security(settings(**given))
    assert named in str(refused.value)
    assert SECRET not in str(refused.value)


# -- secrets from files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["KAFKA_SASL_PASSWORD", "REDIS", "REDIS_PASSWORD", "MONGO", "SCHEMA_REGISTRY"]
)
def test_every_secret_may_come_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    monkeypatch.setenv(f"ECHOTUNE_{name}_FILE", str(file))
    assert getattr(Settings(), name.lower()).get_secret_value() == SECRET


def test_what_an_editor_of_windows_adds_to_a_secret_is_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(f"\ufeff{SECRET}\r\n".encode())
    monkeypatch.setenv("ECHOTUNE_REDIS_PASSWORD_FILE", str(file))
    assert Settings().redis_password.get_secret_value() == SECRET


def test_a_secret_that_is_set_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOTUNE_REDIS", f"redis://:{SECRET}@host")
    monkeypatch.setenv("ECHOTUNE_REDIS_FILE", str(tmp_path))
    with pytest.raises(SettingsError, match="ECHOTUNE_REDIS and ECHOTUNE_REDIS_FILE are both set"):
        Settings()


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_secret_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("ECHOTUNE_KAFKA_SASL_PASSWORD_FILE", str(file))
    with pytest.raises(SettingsError) as refused:
        Settings()
    assert str(file) in str(refused.value)
    assert "ECHOTUNE_KAFKA_SASL_PASSWORD_FILE" in str(refused.value)


# -- bearer tokens ---------------------------------------------------------------------------------


def a_token(**claims: Any) -> str:
    """A token in the form of a JWT, without a signature."""
    parts = [json.dumps(each).encode() for each in ({"alg": "none"}, claims)]
    return ".".join(urlsafe_b64encode(each).decode().rstrip("=") for each in parts) + "."


def test_a_token_is_read_from_its_file_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    one = settings(
        kafka_sasl_mechanism="OAUTHBEARER",
        kafka_sasl_username="",
        kafka_sasl_password="",
        kafka_sasl_oauthbearer_token_file=file,
    )
    fetch = kafka_security(one).oauth_token
    assert fetch is not None
    for expires_at in (2_000_000_000, 2_000_000_600):
        file.write_text(a_token(sub="me", exp=expires_at) + "\n")
        assert fetch() == (a_token(sub="me", exp=expires_at), expires_at)


def test_a_token_that_does_not_say_when_it_expires_is_read_again_soon() -> None:
    for token in ("opaque", "a.b.c", a_token(sub="me"), a_token(exp="soon")):
        assert 0 < expiry_of(token) - time.time() <= LIFETIME_UNKNOWN_S


def test_an_empty_token_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    with pytest.raises(ServerError, match="token, which has no token: it is empty"):
        token_in(tmp_path / "token")
    (tmp_path / "token").write_text("two words\n")
    with pytest.raises(ServerError, match="which has no token: it is something else"):
        token_in(tmp_path / "token")


def test_a_client_is_told_why_there_is_no_token_before_it_is_made(tmp_path: Path) -> None:
    file = tmp_path / "token"
    one = settings(
        kafka_sasl_mechanism="OAUTHBEARER",
        kafka_sasl_username="",
        kafka_sasl_password="",
        kafka_sasl_oauthbearer_token_file=file,
    )
    cluster = KafkaCluster("broker:9093", kafka_security(one))
    with pytest.raises(ServerError, match="which has no token: No such file"):
        client_settings(cluster)
    file.write_text(a_token(sub="me", exp=1_000_000_000))
    with pytest.raises(ServerError, match=r"token expired [\d,]+ s ago"):
        client_settings(cluster)
    file.write_text(a_token(sub="me", exp=2_000_000_000))
    callback = client_settings(cluster)["oauth_cb"]
    file.write_text(a_token(sub="me", exp=2_000_000_600))
    found = [callback("")[0] for _ in range(2)]
    assert found == [a_token(sub="me", exp=2_000_000_000), a_token(sub="me", exp=2_000_000_600)]


async def test_a_token_that_is_missing_is_tried_again_by_the_consumer(tmp_path: Path) -> None:
    one = settings(
        kafka_sasl_mechanism="OAUTHBEARER",
        kafka_sasl_username="",
        kafka_sasl_password="",
        kafka_sasl_oauthbearer_token_file=tmp_path / "token",
    )
    credentials: Any = broker_credentials(KafkaCluster("broker:9093", kafka_security(one)))
    with pytest.raises(KafkaConnectionError, match="has no token"):
        await credentials.oauth_cb.token()


def test_security_is_plaintext_unless_it_is_set() -> None:
    assert kafka_security(Settings()) == KafkaSecurity()
