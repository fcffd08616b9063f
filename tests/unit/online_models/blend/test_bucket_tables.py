"""Bucket tables."""

import numpy as np

from online_models.blend import bucket_tables
from online_models.blend.bucket_tables import SIZES, TABLES
from online_models.blend.candidates import features as f
from online_models.blend.experts.cooccurrence import COMPANY_MAX, PLAYS_READ
from online_models.blend.listener import situations
from online_models.blend.listener.play_rings import RING_MAX
from online_models.kernels import buckets
from tests.support.compiled import called

LARGEST_TRAITS = {
    **dict.fromkeys((f.COUNT_T, f.COUNT_T2, f.COUNT_BI, f.OWN_COUNT), len(buckets.COUNT_CUTS)),
    **dict.fromkeys((f.WIDE_LEVEL, f.NEAR_LEVEL, f.AFTER_LEVEL), len(buckets.SHARE_CUTS)),
    f.SLOT_T: buckets.SLOTS[31],
    f.SLOT_BI: 4,
    f.SLOT_TRI: 1,
    f.GAP: buckets.GAPS[RING_MAX],  # with a track that is playing, one more than the ring
    f.KIND: 6,
    f.NEXT_2: 2,
    f.AGE: 1 + len(buckets.AGE_CUTS_S),
    f.OF_ARTIST: 1,
    f.ARTIST_LEVEL: len(buckets.ARTIST_CUTS),
    f.SOURCES: 1023,
    f.WIDE_COUNT: PLAYS_READ,
    f.COMPANY_COUNT: COMPANY_MAX,
}
LARGEST_FACTS = {
    **dict.fromkeys((situations.OWN_NEXT_KNOWN, situations.BIGRAM_KNOWN, situations.REPEATED), 1),
    situations.MASS_T: len(buckets.MASS_CUTS),
    situations.MASS_BI: len(buckets.GRAM_MASS_CUTS),
    situations.OUTCOME: situations.TOP,
    situations.PLACE: len(situations.PLACE_CUTS),
    situations.PLAY_TIME: len(situations.PLAY_TIME_CUTS_S),
    situations.RUN: len(situations.RUN_CUTS),
}


def test_the_largest_of_everything_is_the_last_cell_of_each_table() -> None:
    traits, facts = np.zeros(f.TRAITS, np.int32), np.zeros(situations.FACTS, np.int64)
    for trait, largest in LARGEST_TRAITS.items():
        traits[trait] = largest
    for fact, largest in LARGEST_FACTS.items():
        facts[fact] = largest
    cells = np.zeros(TABLES, np.int32)
    called(bucket_tables.find_cells)(traits, facts, TABLES, cells)
    assert cells.tolist() == (np.cumsum(SIZES) - 1).tolist()
