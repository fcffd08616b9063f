"""The plan: which generation serves which listener. Pure; the same in every language.

A canary's listeners are sticky: a larger share only adds listeners.
"""

import hashlib
from typing import NamedTuple

SHARE_WHOLE = 10_000
"""A share of all listeners, in ten-thousandths."""


class Plan(NamedTuple):
    """Which generations serve listeners; `version` is the offset of its record in the journal."""

    version: int = -1
    record: str = ""
    """Operation id of that record, in hexadecimal."""
    stable: str = ""
    canary: str | None = None
    share: int = 0


def pointer_of(fields: dict[bytes, bytes]) -> Plan | None:
    """The plan that Redis holds; None if there is none, or another value in its place."""
    try:
        canary = fields.get(b"canary")
        return Plan(
            int(fields[b"version"]),
            fields[b"record"].decode(),
            fields[b"stable"].decode(),
            canary.decode() if canary else None,
            int(fields.get(b"share", 0)),
        )
    except (KeyError, ValueError):
        return None


def serving(plan: Plan, listener_id: str) -> str:
    """The generation that serves a listener: the canary for its share of them, else the stable one.

    A larger share only adds listeners, and another canary has another sample.

    >>> plan = Plan(stable="first", canary="second", share=2_000)
    >>> serving(plan, "me"), serving(plan, "ann")
    ('second', 'first')
    """
    if plan.canary is None:
        return plan.stable
    return plan.canary if bucket(plan.canary, listener_id) < plan.share else plan.stable


def bucket(canary: str, listener_id: str) -> int:
    """A number from 0 to 9,999 for each listener.

    >>> bucket("second", "me"), bucket("second", "ann"), bucket("second", "Björk")
    (1195, 5160, 7246)
    """
    text = f"{canary}/{listener_id}".encode()
    return int(hashlib.sha1(text, usedforsecurity=False).hexdigest()[:8], 16) % SHARE_WHOLE
