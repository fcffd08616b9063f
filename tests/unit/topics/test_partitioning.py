"""A listener's partition is the one that every other language computes."""

import pytest
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from topics.partitioning import murmur2, partition_of

KAFKAS_VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
"""From Apache Kafka's UtilsTest, as Java's signed int."""


@pytest.mark.parametrize(("data", "expected"), KAFKAS_VECTORS.items())
def test_the_hash_is_kafkas(data: bytes, expected: int) -> None:
    assert murmur2(data) == expected % 2**32


@given(data=st.binary(max_size=200))
def test_the_hash_is_aiokafkas(data: bytes) -> None:
    assert murmur2(data) == aiokafka_murmur2(data) % 2**32


@given(listener_id=st.text(), partitions=st.integers(1, 1_024))
def test_the_partition_is_that_of_the_positive_hash_of_the_utf8_id(
    listener_id: str, partitions: int
) -> None:
    hashed = aiokafka_murmur2(listener_id.encode())
    assert partition_of(listener_id, partitions) == (hashed & 0x7FFFFFFF) % partitions


def test_listeners_spread_over_all_partitions() -> None:
    spread = [partition_of(f"listener-{at}", 12) for at in range(1_200)]
    assert min(spread.count(partition) for partition in range(12)) > 50
