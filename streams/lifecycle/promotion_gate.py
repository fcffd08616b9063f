"""The conditions under which a generation may serve listeners, from the statuses of its shards."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

BEHIND_MAX = 64
"""Log records that a recommender may be behind the log's end."""


class Condition(NamedTuple):
    """One condition, and what was found."""

    name: str
    ok: bool
    says: str


def conditions(statuses: Sequence[Mapping[str, Any]], log_end: int) -> list[Condition]:
    """The conditions for shards with these statuses; an empty status is of one that is not heard.

    Without them, a listener could be left without a list. So nothing overrides them.

    >>> one = {"as_of": 90, "publishing": True, "waits_for": [], "digest": "d", "digest_offset": 90}
    >>> [each.ok for each in conditions([one], 100)], [each.ok for each in conditions([{}], 100)]
    ([True, True, True, True], [False, False, False, True])
    """
    silent = [f"shard {at}" for at, it in enumerate(statuses) if not it or it.get("waits_for")]
    behind = [log_end - 1 - int(each.get("as_of", -1)) for each in statuses]
    shut = [f"shard {at}" for at, each in enumerate(statuses) if not each.get("publishing")]
    return [
        Condition("alive", not silent, f"not heard: {', '.join(silent) or 'none'}"),
        Condition("caught up", max(behind) <= BEHIND_MAX, f"{max(behind)} log records behind"),
        Condition("complete", not shut, f"do not publish: {', '.join(shut) or 'none'}"),
        _equal(statuses),
    ]


def _equal(statuses: Sequence[Mapping[str, Any]]) -> Condition:
    digests: dict[int, set[str]] = {}
    for each in statuses:
        if each.get("digest"):
            digests.setdefault(int(each["digest_offset"]), set()).add(str(each["digest"]))
    differ = [offset for offset, found in digests.items() if len(found) > 1]
    says = f"digests differ at offset {differ[0]}" if differ else "no digests differ"
    return Condition("equal", not differ, says)
