"""What is said of topics that differ from the catalogue."""

from infra.topic_creation import FoundTopic, differences
from topics.catalogue import DEAD_LETTERS, LISTENING_EVENTS, catalogue

TOPICS = catalogue()


def said(**limits: str) -> str:
    """What is said if topics have these limits; the rest is as in the catalogue."""
    found = {each.name: FoundTopic(each.partitions, {**each.settings}) for each in TOPICS}
    for name, limit in limits.items():
        changed = {**found[name].settings, "max.message.bytes": limit}
        found[name] = FoundTopic(found[name].partitions, changed)
    return "\n".join(line for one in differences(TOPICS, found) for line in one.lines())


def test_topics_as_in_the_catalogue_differ_in_nothing_and_hold_each_others_records() -> None:
    assert said() == ""
    assert int(DEAD_LETTERS.settings["max.message.bytes"]) > int(
        LISTENING_EVENTS.settings["max.message.bytes"]
    )


def test_a_topic_that_cannot_hold_another_ones_record_is_named_with_what_follows() -> None:
    for limits in ({"dead-letters": "1000"}, {"listening-events": "30000000"}):
        assert "cannot hold a record of listening-events" in said(**limits)
        assert "larger dead letters are cut" in said(**limits)


def test_another_limit_that_differs_is_no_clash() -> None:
    assert "cannot hold" not in said(**{"learning-log": "1000", "dead-letters": "3000000"})


def test_a_compacted_topic_of_keys_never_grows_because_older_lists_would_stay() -> None:
    found = {each.name: FoundTopic(each.partitions, {**each.settings}) for each in TOPICS}
    for name in ("recommendations", "listening-events"):
        found[name] = FoundTopic(4, found[name].settings)
    assert [one.topic.name for one in differences(TOPICS, found)] == ["listening-events"]


def test_a_compacted_topic_of_keys_that_somebody_raised_is_named() -> None:
    found = {each.name: FoundTopic(each.partitions, {**each.settings}) for each in TOPICS}
    found["recommendations"] = FoundTopic(40, found["recommendations"].settings)
    [difference] = differences(TOPICS, found)
    assert "it has 40 partitions" in difference.obstacle


def test_partitions_that_somebody_added_to_the_log_are_noted_and_stop_nothing() -> None:
    found = {each.name: FoundTopic(each.partitions, {**each.settings}) for each in TOPICS}
    found["learning-log"] = FoundTopic(3, found["learning-log"].settings)
    [difference] = differences(TOPICS, found)
    assert difference.lines() == [
        "= learning-log: it has 3 partitions; the first is used, the others stay empty"
    ]
    assert difference.obstacle == ""
    assert difference.partitions is None
    assert not difference.is_to_change
