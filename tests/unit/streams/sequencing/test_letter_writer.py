"""A letter that its topic does not take is cut until it fits, or left out; nothing waits for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from random import randbytes
from typing import Any

import pytest
from faust.types import TP

from streams.sequencing.letter_writer import LetterWriter
from streams.sequencing.validation import RejectedRecord
from tests.support.records import ARecord
from topics.rejection import Rejected, RejectionReason

WHOLE = bytes(range(256)) * 1_000


@dataclass
class ATopic:
    """Takes records of up to `most` bytes; how often it refuses one that would fit is a choice."""

    most: int
    refuses: int = 0
    sent: int = 0
    written: list[dict[str, Any]] = field(default_factory=list)

    async def produce(
        self,
        topic: str,
        report: Callable[[int | None], None],
        *,
        on_too_large: Callable[[], None],
        **message: Any,
    ) -> None:
        self.sent += 1
        size = len(message["value"] or b"") + sum(len(k) + len(v) for k, v in message["headers"])
        is_alone = size < 2_000 and self.refuses > 0
        self.refuses -= is_alone
        loop = asyncio.get_running_loop()
        if size > self.most or is_alone:
            loop.call_soon(on_too_large)
        else:
            self.written.append(message)
            loop.call_soon(report, len(self.written))


async def written_to(
    topic: ATopic, value: bytes | None = WHOLE, limit: int | None = None
) -> tuple[list[Any], list[Any]]:
    """What is reported of a letter, and what stopped the sequencer."""

    async def bytes_max() -> int | None:
        return limit

    reports: list[int | None] = []
    stopped: list[BaseException] = []
    writer = LetterWriter(topic, "dead-letters", "0.1.0", stopped.append, bytes_max)
    rejected = RejectedRecord(ARecord(17, value), Rejected(RejectionReason.INVALID, "x" * 3_000))
    await writer.write(rejected, TP("listening-events", 3), reports.append)
    while not reports:
        await asyncio.sleep(0)
    return reports, stopped


@pytest.mark.parametrize(("most", "length"), [(300_000, len(WHOLE)), (70_000, 65_536), (1_000, 0)])
async def test_a_letter_is_as_long_as_its_topic_allows(most: int, length: int) -> None:
    topic = ATopic(most)
    assert await written_to(topic) == ([1], [])
    [letter] = topic.written
    assert letter["value"] == WHOLE[:length]
    headers = dict(letter["headers"])
    if length == len(WHOLE):
        assert "cut" not in headers
    else:
        assert headers["cut"] == b"true"
        assert headers["original_bytes"] == str(len(WHOLE)).encode()
        assert headers["original_sha256"] == sha256(WHOLE).hexdigest().encode()


async def test_the_smallest_letter_is_tried_again_because_others_may_share_its_batch() -> None:
    topic = ATopic(1_000, refuses=3)
    assert await written_to(topic) == ([1], [])


@pytest.mark.parametrize("value", [WHOLE, b"", None])
async def test_a_topic_that_takes_no_letter_at_all_holds_nothing_up(value: bytes | None) -> None:
    topic = ATopic(100)
    assert await written_to(topic, value) == ([0], [])
    assert topic.written == []


@pytest.mark.parametrize(("most", "written"), [(100, 0), (1_000, 1), (70_000, 1), (300_000, 1)])
async def test_where_the_limit_is_known_nothing_is_sent_that_is_too_large(
    most: int, written: int
) -> None:
    topic = ATopic(most)
    reports, stopped = await written_to(topic, randbytes(len(WHOLE)), limit=most)
    assert (len(reports), stopped) == (1, [])
    assert topic.sent == len(topic.written) == written


async def test_a_letter_that_fits_when_it_is_compressed_is_not_cut() -> None:
    topic = ATopic(10**6)
    assert await written_to(topic, bytes(10**5), limit=20_000) == ([1], [])
    [letter] = topic.written
    assert letter["value"] == bytes(10**5)
