"""A refusal that no retry can change ends the worker, and its words name what to change."""

import pytest
from aiokafka import errors

from streams.kafka.group_refusal import group_refusal, is_final


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (errors.InvalidSessionTimeoutError(), "ECHOTUNE_SESSION_TIMEOUT_S"),
        (errors.GroupAuthorizationFailedError("g"), "READ on the group g"),
        (errors.TopicAuthorizationFailedError("t"), "READ on the group g"),
        (errors.InconsistentGroupProtocolError(), "Another program"),
        (errors.KafkaError("Unexpected error during coordination"), "refuses the group g"),
    ],
    ids=lambda it: type(it).__name__,
)
def test_a_final_refusal_names_what_to_change(error: errors.KafkaError, named: str) -> None:
    assert is_final(error)
    assert named in str(group_refusal("g", error))


@pytest.mark.parametrize(
    "error",
    [
        errors.NodeNotReadyError(),
        errors.GroupCoordinatorNotAvailableError(),
        errors.RequestTimedOutError(),
        errors.KafkaConnectionError(),
        errors.CommitFailedError(),
    ],
    ids=lambda it: type(it).__name__,
)
def test_what_passes_is_no_refusal(error: errors.KafkaError) -> None:
    assert not is_final(error)
