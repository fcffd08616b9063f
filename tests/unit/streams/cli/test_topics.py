"""What is adopted stays in the log for ever: only a topic of events can be."""

import pytest

from streams.cli.topics import adopt_command
from topics.catalogue import catalogue
from topics.errors import TopicError


@pytest.mark.parametrize("topic", [*[each.name for each in catalogue()[1:]], "listening-event", ""])
def test_no_topic_but_that_of_events_is_adopted(topic: str) -> None:
    with pytest.raises(TopicError, match="no topic of events"):
        adopt_command(topic)
