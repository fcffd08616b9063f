"""The topics, and the settings that promises hang on."""

import pytest

from topics.catalogue import (
    CATALOGUE,
    DEAD_LETTER_BYTES_MAX,
    DEAD_LETTERS,
    LEARNING_LOG,
    LEARNING_RECORD_BYTES_MAX,
    LISTENING_EVENT_BYTES_MAX,
    RECOMMENDATIONS,
    Topic,
    catalogue,
)


def test_names_are_unique_and_literal() -> None:
    assert [topic.name for topic in CATALOGUE] == [
        "listening-events",
        "learning-log",
        "recommendations",
        "learning-progress",
        "dead-letters",
        "model-metrics",
        "model-lifecycle",
    ]


@pytest.mark.parametrize("topic", CATALOGUE, ids=lambda topic: topic.name)
def test_settings_are_text_as_kafka_wants_them(topic: Topic) -> None:
    assert all(isinstance(value, str) for value in topic.settings.values())


def test_the_log_is_one_total_order_that_never_ends() -> None:
    assert LEARNING_LOG.partitions == 1
    assert not LEARNING_LOG.keyed
    assert LEARNING_LOG.settings["retention.ms"] == "-1"
    assert LEARNING_LOG.settings["retention.bytes"] == "-1"
    assert LEARNING_LOG.settings["cleanup.policy"] == "delete"


@pytest.mark.parametrize("topic", CATALOGUE, ids=lambda topic: topic.name)
def test_time_is_the_brokers_so_that_no_wrong_clock_decides_or_is_refused(topic: Topic) -> None:
    assert topic.settings["message.timestamp.type"] == "LogAppendTime"


def test_a_dead_letter_has_room_for_the_largest_event_and_its_headers() -> None:
    assert DEAD_LETTER_BYTES_MAX > LISTENING_EVENT_BYTES_MAX + 4 * 1024
    assert LEARNING_RECORD_BYTES_MAX > DEAD_LETTER_BYTES_MAX
    assert DEAD_LETTERS.settings["max.message.bytes"] == str(DEAD_LETTER_BYTES_MAX)


@pytest.mark.parametrize("topic", CATALOGUE, ids=lambda topic: topic.name)
def test_no_promise_hangs_on_a_default_of_the_cluster(topic: Topic) -> None:
    settings = topic.settings
    assert settings["cleanup.policy"] in {"delete", "compact"}
    assert settings["unclean.leader.election.enable"] == "false"
    assert "max.message.bytes" in settings
    if settings["cleanup.policy"] == "delete":
        assert settings["retention.bytes"] == "-1"
        assert "retention.ms" in settings


def test_lists_are_compacted_to_the_newest_of_each_listener() -> None:
    assert RECOMMENDATIONS.settings["cleanup.policy"] == "compact"


def test_a_smaller_cluster_spreads_less_and_keeps_single_partitions_single() -> None:
    wanted = {topic.name: topic.partitions for topic in catalogue(4)}
    assert set(wanted.values()) == {1, 4}
    assert wanted["learning-log"] == 1
    assert [topic.settings for topic in catalogue(4)] == [topic.settings for topic in CATALOGUE]


def test_the_catalogue_as_it_is_needs_no_number() -> None:
    assert catalogue() == CATALOGUE
