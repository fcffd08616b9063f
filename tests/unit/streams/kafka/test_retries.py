"""Who waits for Kafka gets its answer: without a bound, or while a broker elects."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.kafka import retries
from streams.kafka.retries import (
    is_retriable,
    until_answered,
    until_answered_blocking,
    until_elected,
)
from topics.errors import EchoTuneError, LogError, ServerError, TopicError

AWAY = [ServerError("away", ""), KafkaException(KafkaError(KafkaError._TRANSPORT))]


@pytest.fixture(autouse=True)
def no_real_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_S", 0.0)


def answer_after(*failures: Exception) -> Callable[[], str]:
    """Fails with each of them, then answers."""
    left = [*failures]

    def ask() -> str:
        if left:
            raise left.pop(0)
        return "here"

    return ask


def an_error(code: int) -> KafkaException:
    return KafkaException(KafkaError(code))


def made_from(code: int, kind: type[EchoTuneError] = ServerError) -> EchoTuneError:
    """What people see of an error of Kafka."""
    error = kind("It cannot be looked at.", "Is it up?")
    error.__cause__ = an_error(code)
    return error


async def test_a_kafka_that_is_away_is_asked_until_it_answers() -> None:
    assert await until_answered(answer_after(*AWAY * 50)) == "here"


async def test_what_waiting_does_not_mend_is_raised() -> None:
    with pytest.raises(LogError):
        await until_answered(answer_after(LogError("made anew", "")))


def test_a_sender_waits_as_long_as_it_takes_and_says_so_once() -> None:
    said: list[str] = []
    assert until_answered_blocking(answer_after(*AWAY * 50), said.append) == "here"
    assert said == ["away Waiting ..."]


def test_a_sender_is_not_kept_waiting_by_what_waiting_does_not_mend() -> None:
    with pytest.raises(LogError):
        until_answered_blocking(answer_after(LogError("made anew", "")), print)


# -- elections -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "NOT_LEADER_FOR_PARTITION",
        "LEADER_NOT_AVAILABLE",
        "NOT_COORDINATOR",
        "COORDINATOR_NOT_AVAILABLE",
        "COORDINATOR_LOAD_IN_PROGRESS",
        "NOT_CONTROLLER",
    ],
)
def test_a_broker_that_elects_is_asked_again(name: str) -> None:
    code = getattr(KafkaError, name)
    ask = answer_after(an_error(code), made_from(code), made_from(code, TopicError))
    assert until_elected(ask) == "here"


def test_an_error_that_librdkafka_calls_retriable_is_retriable() -> None:
    assert is_retriable(KafkaError(KafkaError.UNKNOWN, "of the client", retriable=True))


@pytest.mark.parametrize(
    "error",
    [
        an_error(KafkaError._TRANSPORT),
        an_error(KafkaError._TIMED_OUT),
        an_error(KafkaError.UNKNOWN_TOPIC_OR_PART),
        made_from(KafkaError.TOPIC_AUTHORIZATION_FAILED),
        KafkaException("without a code"),
        ServerError("away", ""),
        LogError("made anew", ""),
    ],
    ids=str,
)
def test_any_other_error_is_raised_at_once(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        until_elected(answer_after(error))
    assert caught.value is error


def test_an_election_that_does_not_end_in_time_is_its_error() -> None:
    seconds = iter(range(1_000))
    errors = [made_from(KafkaError.NOT_LEADER_FOR_PARTITION) for _ in range(100)]
    with pytest.raises(ServerError, match="Is it up") as caught:
        until_elected(answer_after(*errors), within_s=30.0, clock=lambda: next(seconds))
    assert caught.value is errors[29]


@pytest.mark.parametrize("name", ["UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_PARTITION"])
def test_a_topic_that_was_just_created_is_asked_for_again(name: str) -> None:
    error = an_error(getattr(KafkaError, name))
    assert until_elected(answer_after(error, error), unknown_max_s=5.0) == "here"


def test_a_topic_that_stays_unknown_is_an_error_after_seconds() -> None:
    seconds = iter(range(1_000))
    errors = [an_error(KafkaError._UNKNOWN_PARTITION) for _ in range(100)]
    with pytest.raises(KafkaException) as caught:
        until_elected(answer_after(*errors), clock=lambda: next(seconds), unknown_max_s=5.0)
    assert caught.value is errors[4]
