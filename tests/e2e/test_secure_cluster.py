"""The whole product on a Kafka with SCRAM over TLS, where each role has the smallest rights."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.secure_kafka import a_token, password_of
from tests.support.secure_station import SecureStation
from tests.support.served_station import listen
from tests.support.station import wait_until

EXIT_ERROR = 3
PLAYS = 400
TOPICS_OF_A_SEQUENCER = [
    ("TOPIC", "listening-events", "READ"),
    ("TOPIC", "dead-letters", "WRITE"),
    ("GROUP", "echotune-bounds", "DESCRIBE"),
]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureStation]:
    """A secure station that has learnt an imported history."""
    folder = tmp_path_factory.mktemp("secure")
    with closing(SecureStation(folder / "home", KAFKA_LIBS)) as station:
        station.up()
        redis = station.addresses.redis
        station.start("sequencer", ECHOTUNE_HOME="/proc/no-home", ECHOTUNE_REDIS=redis)
        station.start("recommender")
        done = station.run_as("importer", "import", str(a_history(folder / "plays.csv")))
        assert done.returncode == 0, done.stderr
        station.wait_applied(PLAYS)
        yield station


def a_history(path: Path) -> Path:
    """A CSV file of plays of four listeners."""
    lines = [
        f"listener-{at % 4},artist {at % 20},title {at % 80},{1_700_000_000 + at * 300}"
        for at in range(PLAYS)
    ]
    path.write_text("\n".join(["listener,artist,track,listened_at", *lines]) + "\n")
    return path


def test_every_promise_is_kept_with_the_smallest_rights(station: SecureStation) -> None:
    found = station.json("verify", "--deep")
    assert found["equal"], found
    assert all(each["broken"] == 0 for each in found["promises"]), found


def test_commands_that_read_work_with_the_smallest_rights(station: SecureStation) -> None:
    found = wait_until(
        lambda: station.json("recommend", "listener-1"), lambda each: bool(each.get("items"))
    )
    assert found["items"]
    assert station.run("status").returncode == 0
    doctor = station.run("doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr


def test_an_operator_creates_generations_with_the_smallest_rights(station: SecureStation) -> None:
    made = ["generations", "create", "second", "--start", "--why", "a test"]
    for arguments in (made, ["generations", "history"]):
        done = station.run_as("operator", *arguments)
        assert done.returncode == 0, done.stderr


def test_the_http_service_works_with_the_smallest_rights(station: SecureStation) -> None:
    station.serve()
    ann = station.person("ann", "--admin")
    assert ann.submit(listen(1), listen(2), {"listened_at": "never"}).json()["rejected"]
    assert len(ann.wait_listens(2)) == 2
    for path in ("/v1/status", "/v1/generations"):
        assert ann.ask("GET", path).status_code == 200
    history = b"artist,track,listened_at\nBill Evans,Peri,1700000000\n"
    assert ann.ask("POST", "/v1/imports?name=plays.csv", content=history).status_code < 300
    assert len(ann.wait_listens(3)) == 3


def test_the_authorizer_denies_nothing(station: SecureStation) -> None:
    station.run("doctor", "--json")
    assert station.kafka.denials() == set()


def test_a_worker_with_too_few_rights_ends_with_their_names(station: SecureStation) -> None:
    done = station.run_as("importer", "worker", "sequencer")
    assert done.returncode == EXIT_ERROR, done.stderr
    assert "READ on topic listening-events" in done.stderr + done.stdout


def test_a_worker_without_the_right_on_its_group_does_not_wait(station: SecureStation) -> None:
    station.kafka.allow({"halfway": [*station.rights["recommender"], *TOPICS_OF_A_SEQUENCER]})
    done = station.run_as("halfway", "worker", "sequencer")
    assert done.returncode == EXIT_ERROR, done.stderr
    assert "READ on group echotune-sequencer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recommender_without_its_transactional_id_says_so(station: SecureStation) -> None:
    rights = [each for each in station.rights["recommender"] if each[0] != "TRANSACTIONAL_ID"]
    station.kafka.allow({"mute": rights})
    assert station.workers[1].stop() == 0  # the recommender of this identity
    worker = station.start("recommender", **station.kafka.environment("mute"))
    wait_until(worker.text, lambda text: "no right to use its transactional id" in text)
    worker.kill()
    station.start("recommender")


def test_sequencers_join_by_certificate_and_by_token(
    station: SecureStation, tmp_path: Path
) -> None:
    """Faust's clients, too, prove who they are in each way."""
    made, token = station.kafka.authority.issue("sequencer"), tmp_path / "token"
    token.write_text(a_token("sequencer", 3_600).text)
    no_password = {"ECHOTUNE_KAFKA_SASL_USERNAME": "", "ECHOTUNE_KAFKA_SASL_PASSWORD_FILE": ""}
    by_certificate = no_password | {
        "ECHOTUNE_KAFKA": station.kafka.servers("ssl"),
        "ECHOTUNE_KAFKA_SECURITY_PROTOCOL": "SSL",
        "ECHOTUNE_KAFKA_SASL_MECHANISM": "",
        "ECHOTUNE_KAFKA_SSL_CERTIFICATE_LOCATION": str(made.certificate),
        "ECHOTUNE_KAFKA_SSL_KEY_LOCATION": str(made.key),
    }
    by_token = no_password | {
        "ECHOTUNE_KAFKA": station.kafka.servers("oauth"),
        "ECHOTUNE_KAFKA_SASL_MECHANISM": "OAUTHBEARER",
        "ECHOTUNE_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE": str(token),
    }
    for environment in (by_certificate, by_token):
        worker = station.start("sequencer", **environment)
        own = f"-{worker.process.pid}-"
        wait_until(
            lambda own=own: [  # type: ignore[misc]
                each["partitions"]
                for each in station.status()["sequencers"]
                if own in each["sequencer_id"]
            ],
            any,
        )
        worker.stop()


def test_no_secret_is_written_anywhere(station: SecureStation) -> None:
    written = [each.text() for each in station.workers]
    written += [station.run(name, "--json").stdout for name in ("status", "doctor")]
    for user in station.rights:
        assert not any(password_of(user) in each for each in written)
