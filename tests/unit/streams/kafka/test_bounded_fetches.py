"""However far a batch expands, decompressing it is bounded; what is within the bound is whole."""

import random
from typing import Any

import cramjam
import pytest
from aiokafka.record import default_records
from aiokafka.record._crecords import default_records as compiled_records

from streams.kafka import bounded_fetches
from streams.kafka.bounded_fetches import TooLargeError, bound_fetches, zstd_bytes_most

MIB = 1024 * 1024
COMPRESS = {
    "gzip": cramjam.gzip.compress,
    "lz4": cramjam.lz4.compress,
    "zstd": cramjam.zstd.compress,
}
MODULES = (default_records, compiled_records)


def decode(module: Any, codec: str, data: bytes) -> bytes:
    bound_fetches()
    return bytes(getattr(module, f"{codec}_decode")(memoryview(data)))


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("codec", COMPRESS)
def test_what_expands_beyond_the_bound_is_not_decompressed(codec: str, module: Any) -> None:
    small = bytes(COMPRESS[codec](bytes(65 * MIB)))
    with pytest.raises(TooLargeError):
        decode(module, codec, small)


@pytest.mark.parametrize("codec", COMPRESS)
@pytest.mark.parametrize("bound", [MIB, 64 * MIB])
def test_what_is_within_the_bound_is_whole_at_full_speed_and_in_pieces(
    codec: str, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_fetches, "DECOMPRESSED_BYTES_MAX", bound)
    chance = random.Random(7)
    for size in (0, 1, 1_000, 300_000, MIB):
        data = chance.randbytes(size // 2) + bytes(size - size // 2)
        assert decode(compiled_records, codec, bytes(COMPRESS[codec](data))) == data


def test_zstd_frames_expand_to_no_more_than_their_blocks_say() -> None:
    chance = random.Random(7)
    for size in (0, 1, 255, 256, 70_000, 131_072, 131_073, MIB):
        for data in (bytes(size), chance.randbytes(size)):
            most = zstd_bytes_most(bytes(cramjam.zstd.compress(data)))
            assert most is not None
            assert size <= most <= size + 128 * 1024


@pytest.mark.parametrize(
    "data", [b"", b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd\x00" * 9, b"rubbish"]
)
def test_what_is_no_frame_has_no_known_size(data: bytes) -> None:
    assert zstd_bytes_most(data) is None
