"""Whether the machine has room for one more generation. Pure."""

from streams.lifecycle.promotion_gate import ROOM, Statuses


def why_no_room(statuses: Statuses, host: str, free_bytes: int, tables_bytes: int = 0) -> str:
    """Why a generation should not be started on `host`; empty if it may be.

    A new recommender is expected to need what the largest running one uses, and half of it more;
    or, if that is more, `tables_bytes`: the tables of its model, which fill up. Where none runs on
    this host, nothing is known but these.

    >>> running = [{"memory": {"used_bytes": 2**30, "host": "here"}}]
    >>> why_no_room(running, "here", 2**30)
    'a recommender here uses 1,024 MiB, and 1,024 MiB are free: 1,536 MiB should be'
    >>> why_no_room(running, "here", 2**31), why_no_room(running, "there", 0)
    ('', '')
    >>> why_no_room(running, "there", 2**30, tables_bytes=2**31)
    'the tables of its model alone take 2,048 MiB, and 1,024 MiB are free'
    """
    said = [each.get("memory", {}) for each in statuses]
    used = max((int(each["used_bytes"]) for each in said if each.get("host") == host), default=0)
    if free_bytes < tables_bytes:
        return (
            f"the tables of its model alone take {_mib(tables_bytes)}, and {_mib(free_bytes)} "
            "are free"
        )
    if free_bytes >= ROOM * used:
        return ""
    return (
        f"a recommender here uses {_mib(used)}, and {_mib(free_bytes)} are free: "
        f"{_mib(ROOM * used)} should be"
    )


def _mib(number: float) -> str:
    return f"{number / 2**20:,.0f} MiB"
