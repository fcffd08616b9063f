"""Reads Parquet tables of plays, one batch of rows at a time."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from streams.sources.files import Part
from streams.sources.formats import event_export, spotify_export
from streams.sources.formats.column_roles import Role, roles_of
from streams.sources.formats.table_rows import Cells, checked_roles, plays_of_table, used_columns
from streams.sources.plays import ParsedRow
from topics.errors import HistoryError

_ROWS_A_BATCH = 10_000


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a Parquet file, or the events of an export; only known columns are read."""
    try:
        table = pq.ParquetFile(file)
        columns = table.schema_arrow.names
        if event_export.is_export(columns):
            yield from event_export.read_cells(cells_of(table, columns), columns, part)
            return
        if spotify_export.is_extended(columns):
            rows = enumerate(cells_of(table, columns), 1)
            objects = ((row, dict(zip(columns, cells, strict=True))) for row, cells in rows)
            yield from spotify_export.plays_of_extended(objects, part)
            return
        checked_roles(columns, part.name)
        used = used_columns(columns)
        unused = [name for name in columns if name not in used]
        yield from plays_of_table(enumerate(cells_of(table, used), 1), used, part, unused=unused)
    except DAMAGED as error:
        raise damaged(part.name, error) from error


DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError)
"""Errors of a damaged file, among them names of columns that are no UTF-8."""


def damaged(name: str, error: Exception) -> HistoryError:
    """The error of a Parquet file that cannot be read."""
    return HistoryError(
        f"{name} is a damaged Parquet file: {' '.join(str(error).split())[:200]}.",
        "Copy or export it again.",
    )


def cells_of(table: pq.ParquetFile, columns: list[str]) -> Iterator[Cells]:
    """The rows of a table as Python objects; times in ms, or local beside a column of zones."""
    has_zones = Role.ZONE in roles_of(columns)
    for batch in table.iter_batches(_ROWS_A_BATCH, columns=columns):
        yield from zip(
            *(_values(batch, name, has_zones=has_zones) for name in columns), strict=True
        )


def _values(batch: pa.RecordBatch, name: str, *, has_zones: bool) -> list[Any]:
    """The values of the first column of that name as Python objects."""
    column = batch.column(batch.schema.get_all_field_indices(name)[0])
    kind = column.type
    if has_zones and pa.types.is_timestamp(kind) and kind.tz is None:
        column = column.cast(pa.timestamp("ms"), safe=False)
    elif pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        in_ms = pa.timestamp("ms", kind.tz) if pa.types.is_timestamp(kind) else pa.duration("ms")
        column = column.cast(in_ms, safe=False).cast(pa.int64())
    elif pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return texts_of_bytes(column)
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return texts_of_bytes(column.cast(pa.large_binary()))
    except OverflowError:  # days beyond the years of Python
        return list(column.cast(pa.timestamp("ms")).cast(pa.int64()).to_pylist())


def texts_of_bytes(column: pa.Array) -> list[str | None]:
    """Bytes as texts, with lone surrogates for what is no UTF-8."""
    return [
        None if each is None else each.decode("utf-8", "surrogateescape")
        for each in column.to_pylist()
    ]
