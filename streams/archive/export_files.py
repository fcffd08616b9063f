"""The files of an export: Parquet, or JSON lines with or without Zstandard, by their name."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import cramjam
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from streams.archive.export_rows import SCHEMA
from streams.archive.whole_files import written_whole
from topics.errors import SettingsError

_ROWS_A_GROUP = 100_000
Write = Callable[[pa.RecordBatch], None]


def check_kind(path: Path) -> None:
    """Raises `SettingsError` if an export cannot have this ending."""
    _kind_of(path)


@contextmanager
def export_file(path: Path) -> Iterator[Write]:
    """A function that adds rows to the export at `path`, which appears when the block has ended.

    Raises `SettingsError` for another kind of file, and `ArchiveError` if it cannot be written.
    """
    rows_of = _kind_of(path)
    with written_whole(path) as file, rows_of(file) as write:
        yield write


def _kind_of(path: Path) -> Callable[[BinaryIO], AbstractContextManager[Write]]:
    for suffix, kind in _KINDS.items():
        if path.name.endswith(suffix):
            return kind
    raise SettingsError(
        f"--to {path} has an unknown ending.", f"End it in {' or '.join(_KINDS)}, by its format."
    )


@contextmanager
def _parquet(file: BinaryIO) -> Iterator[Write]:
    held: list[pa.RecordBatch] = []
    writer = pq.ParquetWriter(file, SCHEMA, compression="zstd")

    def write_held() -> None:
        writer.write_table(pa.Table.from_batches(held, SCHEMA))
        held.clear()

    def write(rows: pa.RecordBatch) -> None:
        held.append(rows)
        if sum(map(len, held)) >= _ROWS_A_GROUP:
            write_held()

    try:
        yield write
        write_held()
        writer.close()
    finally:
        with suppress(OSError):  # after a failure, while the file is still open
            writer.close()


@contextmanager
def _json_lines(file: BinaryIO) -> Iterator[Write]:
    yield lambda rows: _written(file, _lines_of(rows))


@contextmanager
def _packed_json_lines(file: BinaryIO) -> Iterator[Write]:
    packer = cramjam.zstd.Compressor()

    def write(rows: pa.RecordBatch) -> None:
        packer.compress(_lines_of(rows))
        _written(file, packer.flush())

    yield write
    _written(file, packer.finish())


def _lines_of(rows: pa.RecordBatch) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows.to_pylist())


def _written(file: BinaryIO, data: Any) -> None:
    file.write(bytes(data))


_KINDS = {".parquet": _parquet, ".jsonl": _json_lines, ".jsonl.zst": _packed_json_lines}
"""Ending of the name → writer."""
