"""Parquet: a table of plays, read a batch of rows at a time."""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from streams.sources.files import Part
from streams.sources.rows import ParsedRow
from streams.sources.tabular import Cells, checked_roles, plays_of_table
from topics.errors import HistoryError

_ROWS_A_BATCH = 10_000


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a Parquet file; only the columns that mean something are read."""
    try:
        table = pq.ParquetFile(file)
        columns = table.schema_arrow.names
        roles = checked_roles(columns, part.name)
        used = [columns[position] for position in roles.values()]
        positions = {role: position for position, role in enumerate(roles)}
        yield from plays_of_table(enumerate(_cells(table, used), 1), positions, part)
    except (pa.ArrowException, OSError) as error:
        raise HistoryError(
            f"{part.name} is a damaged Parquet file: {' '.join(str(error).split())[:200]}.",
            "Copy or export it again.",
        ) from error


def _cells(table: pq.ParquetFile, columns: list[str]) -> Iterator[Cells]:
    for batch in table.iter_batches(_ROWS_A_BATCH, columns=columns):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
