"""Why a cluster cannot be used is said in words, and waiting is left to what waiting can change."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic

from infra.daemon import LOOPBACK, free_port
from streams.kafka.cluster import KafkaCluster, KafkaSecurity
from streams.kafka.refusals import cluster_refusal
from streams.kafka.retries import until_answered_blocking
from streams.kafka.rights import check_rights
from streams.kafka.topic_facts import bounds_of, describe_topic
from streams.kafka_security import kafka_security
from streams.settings import Settings
from tests.conftest import KAFKA_LIBS
from tests.support.certificates import Authority
from tests.support.secure_kafka import UNREACHABLE, SecureKafka, a_token, password_of
from tests.support.tcp_proxy import TcpProxy
from tests.support.token_endpoint import SECRET, an_endpoint
from topics.errors import RefusedError, ServerError

TIMEOUT_S = 30.0
EXIT_ERROR = 3


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """A secure cluster with a topic, and a user `me` without rights."""
    server = SecureKafka(tmp_path_factory.mktemp("refusing"), KAFKA_LIBS, ["me"])
    server.up()
    admin = server.admin()
    for created in admin.create_topics([NewTopic("some-topic", 1, 1)]).values():
        created.result(TIMEOUT_S)
    yield server
    server.down()


def security(kafka: SecureKafka, **changes: object) -> KafkaSecurity:
    """The security with which the user `me` reaches the cluster, with changes."""
    usual = {
        "protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": "me",
        "sasl_password": password_of("me"),
        "ssl_ca_location": str(kafka.authority.certificate),
    }
    return KafkaSecurity(**{**usual, **changes})  # type: ignore[arg-type]


def cluster(kafka: SecureKafka, listener: str = "sasl_ssl", **changes: object) -> KafkaCluster:
    return KafkaCluster(kafka.servers(listener), security(kafka, **changes))


def words(kafka: str) -> str:
    """What is said about a cluster; empty if nothing speaks against it."""
    return str(cluster_refusal(kafka) or "")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("listener", ["sasl_ssl", "sasl_plaintext"])
def test_a_user_with_a_password_is_let_in(
    kafka: SecureKafka, listener: str, mechanism: str
) -> None:
    it = cluster(kafka, listener, protocol=listener.upper(), sasl_mechanism=mechanism)
    assert words(it) == ""


def test_a_wrong_password_is_named(kafka: SecureKafka) -> None:
    said = words(cluster(kafka, sasl_password="wrong secret"))
    assert "does not accept the password of user me" in said
    assert "ECHOTUNE_KAFKA_SASL_PASSWORD" in said
    assert "wrong secret" not in said


def test_a_certificate_of_another_authority_is_named(kafka: SecureKafka, tmp_path: Path) -> None:
    said = words(cluster(kafka, ssl_ca_location=str(Authority(tmp_path, "other").certificate)))
    assert f"certificate of {kafka.servers('sasl_ssl')} is not trusted" in said
    assert "ECHOTUNE_KAFKA_SSL_CA_LOCATION" in said


def test_a_name_that_the_certificate_lacks_is_named(kafka: SecureKafka) -> None:
    port = kafka.servers("sasl_ssl").rpartition(":")[2]
    said = words(KafkaCluster(f"localhost:{port}", security(kafka)))
    assert "localhost" in said
    assert "ECHOTUNE_KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM" in said
    unchecked = security(kafka, checks_hostname=False)
    assert words(KafkaCluster(f"localhost:{port}", unchecked)) == ""


@pytest.mark.parametrize("listener", ["ssl", "sasl_ssl"])
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_plaintext_against_tls_is_named(kafka: SecureKafka, listener: str, protocol: str) -> None:
    assert "speaks TLS, but" in words(cluster(kafka, listener, protocol=protocol))


@pytest.mark.parametrize("listener", ["plaintext", "sasl_plaintext"])
@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_tls_against_plaintext_is_named(kafka: SecureKafka, listener: str, protocol: str) -> None:
    assert "speaks plaintext, but" in words(cluster(kafka, listener, protocol=protocol))


def test_a_cluster_that_asks_for_a_user_is_named(kafka: SecureKafka) -> None:
    said = words(KafkaCluster(kafka.servers("sasl_plaintext")))
    assert "asks for a user (SASL, " in said
    assert "Set it to SASL_PLAINTEXT" in said


def test_a_cluster_without_users_is_named(kafka: SecureKafka) -> None:
    said = words(cluster(kafka, "plaintext", protocol="SASL_PLAINTEXT"))
    assert "knows no users (SASL)" in said


def test_a_mechanism_that_the_cluster_does_not_offer_is_named(kafka: SecureKafka) -> None:
    said = words(cluster(kafka, sasl_mechanism="OAUTHBEARER"))
    assert "does not offer OAUTHBEARER" in said
    assert "SCRAM-SHA-512" in said


# -- mutual TLS and bearer tokens ------------------------------------------------------------------


def with_certificate(kafka: SecureKafka, authority: Authority, user: str) -> KafkaCluster:
    """A client of the listener for mutual TLS."""
    made = authority.issue(user)
    return KafkaCluster(
        kafka.servers("ssl"),
        KafkaSecurity(
            "SSL",
            ssl_ca_location=str(kafka.authority.certificate),
            ssl_certificate_location=str(made.certificate),
            ssl_key_location=str(made.key),
        ),
    )


def test_a_client_with_a_certificate_is_known_by_its_name(kafka: SecureKafka) -> None:
    it = with_certificate(kafka, kafka.authority, "admin")
    assert words(it) == ""
    assert describe_topic(it, "some-topic").partitions == 1


def test_a_client_without_a_certificate_is_told_so(kafka: SecureKafka, tmp_path: Path) -> None:
    nobody = KafkaSecurity("SSL", ssl_ca_location=str(kafka.authority.certificate))
    foreign = with_certificate(kafka, Authority(tmp_path, "other"), "admin")
    for it in (KafkaCluster(kafka.servers("ssl"), nobody), foreign):
        assert "does not accept this client's certificate, or asks for one" in words(it)


def with_token(kafka: SecureKafka, lifetime_s: float) -> KafkaCluster:
    return cluster(
        kafka,
        "oauth",
        sasl_mechanism="OAUTHBEARER",
        sasl_username="",
        sasl_password="",
        oauth_token=lambda: a_token("admin", lifetime_s),
    )


def test_the_owner_of_a_token_is_let_in(kafka: SecureKafka) -> None:
    it = with_token(kafka, 3_600)
    assert words(it) == ""
    assert describe_topic(it, "some-topic").partitions == 1


def with_token_of(kafka: SecureKafka, environment: dict[str, str]) -> KafkaCluster:
    """The cluster as settings say it."""
    names = {key.removeprefix("ECHOTUNE_").lower(): it for key, it in environment.items()}
    settings = Settings(
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="OAUTHBEARER",
        kafka_ssl_ca_location=kafka.authority.certificate,
        **names,
    )
    return KafkaCluster(kafka.servers("oauth"), kafka_security(settings))


def test_a_token_of_an_endpoint_lets_its_owner_in_and_others_are_told_why(
    kafka: SecureKafka,
) -> None:
    with an_endpoint() as endpoint:
        it = with_token_of(
            kafka,
            {
                "ECHOTUNE_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": (
                    endpoint.credentials.endpoint_url
                ),
                "ECHOTUNE_KAFKA_SASL_OAUTHBEARER_CLIENT_ID": "me",
                "ECHOTUNE_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET": SECRET,
            },
        )
        token = {"access_token": a_token("admin", 3_600).text, "expires_in": "3600"}
        endpoint.answer = (200, json.dumps(token).encode())
        assert words(it) == ""
        assert describe_topic(it, "some-topic").partitions == 1
        assert endpoint.asked[0]["grant_type"] == ["client_credentials"]


def test_a_token_that_has_expired_is_named(kafka: SecureKafka, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(a_token("admin", -3_600).text + "\n")
    it = with_token_of(kafka, {"ECHOTUNE_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE": str(file)})
    for ask in (words, lambda kafka: describe_topic(kafka, "some-topic")):
        with pytest.raises(ServerError, match=r"expired [\d,]+ s ago"):
            ask(it)


# -- addresses and rights --------------------------------------------------------------------------


def test_an_advertised_address_that_cannot_be_reached_is_named(kafka: SecureKafka) -> None:
    said = words(KafkaCluster(kafka.servers("elsewhere")))
    assert f"{kafka.servers('elsewhere')} answers, but the address that" in said
    assert UNREACHABLE in said
    assert "advertised.listeners" in said


def test_an_advertised_address_other_than_the_given_one_is_fine(kafka: SecureKafka) -> None:
    with TcpProxy(int(kafka.servers("plaintext").rpartition(":")[2])) as proxy:
        assert words(KafkaCluster(f"{LOOPBACK}:{proxy.port}")) == ""


def test_a_cluster_that_is_away_is_no_refusal(kafka: SecureKafka) -> None:
    nowhere = KafkaCluster(f"{LOOPBACK}:{free_port()}", security(kafka))
    assert cluster_refusal(nowhere) is None
    assert cluster_refusal(KafkaCluster("no-such-host.invalid:9092", security(kafka))) is None


@pytest.mark.parametrize("mode", ["reset", "stall", "refuse"])
def test_a_broken_connection_is_no_refusal(kafka: SecureKafka, mode: str) -> None:
    with TcpProxy(int(kafka.servers("sasl_ssl").rpartition(":")[2])) as proxy:
        proxy.set(mode)
        assert cluster_refusal(KafkaCluster(f"{LOOPBACK}:{proxy.port}", security(kafka))) is None
        proxy.set("heal")


def test_what_waits_for_kafka_does_not_wait_for_a_right_password(kafka: SecureKafka) -> None:
    it = cluster(kafka, sasl_password="wrong")
    with pytest.raises(RefusedError, match="does not accept the password"):
        until_answered_blocking(lambda: bounds_of(it, "some-topic", [0]), print)


def test_a_missing_right_on_a_topic_is_named(kafka: SecureKafka) -> None:
    with pytest.raises(ServerError, match="user me no right to use some-topic"):
        describe_topic(cluster(kafka), "some-topic")


def test_every_missing_right_is_named_at_once(kafka: SecureKafka) -> None:
    wanted = {"some-topic": ["READ", "WRITE"]}
    with pytest.raises(RefusedError) as refused:
        check_rights(cluster(kafka), topics=wanted, groups={"some-group": ["READ"]})
    assert "READ and WRITE on topic some-topic, READ on group some-group" in str(refused.value)
    kafka.allow({"me": [("TOPIC", "some-topic", "READ"), ("GROUP", "some-group", "READ")]})
    with pytest.raises(RefusedError, match="missing: WRITE on topic some-topic") as refused:
        check_rights(cluster(kafka), topics=wanted, groups={"some-group": ["READ"]})
    assert "some-group" not in str(refused.value)


@pytest.mark.parametrize(
    "command", ["topics check", "send --listener ann --title a --artist b", "doctor", "import"]
)
def test_commands_end_instead_of_waiting_for_another_password(
    kafka: SecureKafka, tmp_path: Path, command: str
) -> None:
    (tmp_path / "plays.csv").write_text("listener,artist,track,listened_at\nann,a,b,1700000000\n")
    more = [str(tmp_path / "plays.csv")] if command == "import" else []
    secrets = {"ECHOTUNE_KAFKA_SASL_PASSWORD": "wrong", "ECHOTUNE_HOME": str(tmp_path / "home")}
    environment = kafka.environment("me") | secrets | {"ECHOTUNE_REDIS": "redis://127.0.0.1:1"}
    del environment["ECHOTUNE_KAFKA_SASL_PASSWORD_FILE"]
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *command.split(), *more],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "does not accept the password of user me" in said, said
    assert "Traceback" not in said
    assert done.returncode == (1 if command == "doctor" else EXIT_ERROR)
