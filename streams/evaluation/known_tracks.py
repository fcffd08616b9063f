"""A catalogue file: tracks and their artists, whether they were played or not."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from online_models.evaluation.contest import Contest
from streams.sources.columnar.play_columns import PlayColumns
from topics.errors import HistoryError

TRACK, ARTIST = "track_id", "artist_id"


@dataclass(frozen=True)
class Catalogue:
    """Ids of n distinct tracks, and the id of each track's artist."""

    track_ids: list[str]
    artist_ids: list[str]


def read_catalogue(path: Path) -> Catalogue:
    """Reads a Parquet or CSV file with the columns `track_id` and `artist_id`.

    A repeated track keeps its first artist. Rows in which either id is missing are left out.
    """
    try:
        table = _table(path).select([TRACK, ARTIST]).cast(_TEXTS)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise HistoryError(
            f"{path} is no catalogue: {' '.join(str(error).split())[:200]}.",
            f"Give a Parquet or CSV file with the columns {TRACK} and {ARTIST}.",
        ) from error
    rows = zip(table[TRACK].to_pylist(), table[ARTIST].to_pylist(), strict=True)
    artist_of: dict[str, str] = {}
    for track_id, artist_id in rows:
        if track_id and artist_id:
            artist_of.setdefault(track_id, artist_id)
    return Catalogue(list(artist_of), list(artist_of.values()))


_TEXTS = pa.schema([(TRACK, pa.string()), (ARTIST, pa.string())])


def _table(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path, columns=[TRACK, ARTIST])
    as_text = pyarrow.csv.ConvertOptions(
        include_columns=[TRACK, ARTIST], column_types=_TEXTS, strings_can_be_null=False
    )
    return pyarrow.csv.read_csv(path, convert_options=as_text)


def introduce(contest: Contest, catalogue: Catalogue, plays: PlayColumns) -> PlayColumns:
    """Adds the catalogue to every model; returns the plays with the codes that result from it.

    Codes are in the order of first appearance, and the catalogue precedes the first play.
    """
    ranker = contest.contestants[0].ranker
    items = ranker.items.encode_many(catalogue.track_ids)
    groups = ranker.groups.encode_many(catalogue.artist_ids)
    for each in contest.contestants:
        each.ranker.introduce(items, groups)
    tracks, track_ids = _after(catalogue.track_ids, plays.tracks, plays.track_ids)
    artists, artist_ids = _after(catalogue.artist_ids, plays.artists, plays.artist_ids)
    return replace(
        plays, tracks=tracks, track_ids=track_ids, artists=artists, artist_ids=artist_ids
    )


def _after(
    first: list[str], codes: NDArray[np.int32], ids: list[str]
) -> tuple[NDArray[np.int32], list[str]]:
    """`codes` renumbered, so that `first` get the first codes, then the other `ids`; -1 stays."""
    code_of: dict[str, int] = {}
    for each in [*first, *ids]:
        code_of.setdefault(each, len(code_of))
    renumbered = np.array([*(code_of[each] for each in ids), -1], np.int32)
    return renumbered[codes], list(code_of)
