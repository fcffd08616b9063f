"""Tells a broker's final refusal of a worker's consumer group from an error that passes. Pure."""

from aiokafka import errors

from topics.errors import RefusedError, SettingsError

_RIGHTS = (
    errors.GroupAuthorizationFailedError,
    errors.TopicAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
)
_FINAL = (
    *_RIGHTS,
    errors.InvalidSessionTimeoutError,
    errors.InconsistentGroupProtocolError,
    errors.InvalidGroupIdError,
    errors.UnsupportedVersionError,
    errors.IncompatibleBrokerVersion,
)
_UNEXPECTED = errors.KafkaError
"""The bare class: aiokafka's coordinator has ended with an error that it does not understand."""


def is_final(error: errors.KafkaError) -> bool:
    """Whether another attempt to join the group cannot succeed."""
    return isinstance(error, _FINAL) or type(error) is _UNEXPECTED


def group_refusal(group: str, error: errors.KafkaError) -> SettingsError | RefusedError:
    """The error to report if the broker refuses `group`.

    >>> print(group_refusal("g", errors.InvalidSessionTimeoutError()).remedy[:65])
    Set ECHOTUNE_SESSION_TIMEOUT_S to at least the broker's setting g
    """
    why = f"{type(error).__name__}: {error}"
    if isinstance(error, errors.InvalidSessionTimeoutError):
        return SettingsError(
            f"The broker refuses the session timeout of the group {group}.",
            "Set ECHOTUNE_SESSION_TIMEOUT_S to at least the broker's setting "
            "group.min.session.timeout.ms (10000 are 10 s), and to at most group.max.session."
            "timeout.ms.",
        )
    if isinstance(error, _RIGHTS):
        return RefusedError(
            f"The broker refuses the group {group}: {why}.",
            f"Grant this user READ on the group {group} and on the topics that it reads; "
            "docs/security.md lists the rights of each role.",
        )
    return RefusedError(
        f"The broker refuses the group {group}: {why}.",
        "Another program may use this group, or the broker is older than Kafka 2.1.",
    )
