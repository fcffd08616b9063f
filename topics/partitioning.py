"""The partition of a listener's events: murmur2 of the UTF-8 id, like Java's default partitioner.

librdkafka needs `partitioner=murmur2_random` for this; aiokafka does it by default.
Source of the method: Austin Appleby's MurmurHash2, 32 bits, seed 0x9747b28c, as in Apache
Kafka's `Utils.murmur2`.
"""

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """32-bit unsigned MurmurHash2 of `data`.

    >>> hex(murmur2(b"21"))  # Kafka's UtilsTest: -973932308
    '0xc5f2f8ec'
    """
    length = len(data)
    h = _SEED ^ length
    for at in range(0, length - length % 4, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if tail := data[length - length % 4 :]:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(listener_id: str, partitions: int) -> int:
    """Partition of a listener's events among `partitions`."""
    return (murmur2(listener_id.encode()) & 0x7FFFFFFF) % partitions
