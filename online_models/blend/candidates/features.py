"""Features and traits of a candidate: their names and positions, and the reason codes.

A feature is a number that an expert computes; the score is linear in the features. A trait is a
small whole number (a category or a bucket), by which bucket tables are looked up. Both are 0 if the
expert does not know the candidate. The module of each expert defines its features.
"""

from enum import IntEnum


class Expert(IntEnum):
    """The expert that computes a feature; also the reason code of a recommendation."""

    TRANSITION = 0
    NGRAM = 1
    OWN = 2
    COOCCURRENCE = 3
    NEIGHBOURS = 4
    ARTIST = 5
    POPULAR = 6


REASONS = ("transition", "ngram", "own", "cooccurrence", "neighbours", "artist", "popular")
"""The experts' names, by `Expert`."""

# Features, by their row in `CANDIDATES.features`.
T1, T2, T3, FOLLOWS = 0, 1, 2, 3
BIGRAM, TRIGRAM = 4, 5
OWN_NEXT, OWN_NEXT_2, IS_OWN, COUNT, RECENCY, RECENCIES = 6, 7, 8, 9, 10, 11
NEWEST, LAST_10, LAST_50, IN_SESSION = 12, 13, 14, 15
WIDE, WIDE_RAW, WIDE_SUPPORT = 16, 17, 18
WIDE_OLDER, COMPANY, COMPANY_SUPPORT = 19, 20, 21
NEAR, NEAR_AFTER, NEAR_SUPPORT = 22, 23, 24
SAME_ARTIST, ARTIST_NEXT, ARTIST_PLAYS, ARTIST_SHARE = 25, 26, 27, 28
POPULAR, POPULAR_SHARE = 29, 30
LOVED = 31
FEATURES = 32

EXPERT_OF = (0, 0, 0, 0, 1, 1, *[2] * 10, *[3] * 6, 4, 4, 4, 5, 5, 5, 5, 6, 6, 2)
"""The `Expert` of each feature."""

# Traits, by their column in `CANDIDATES.traits`.
SLOT_T, COUNT_T, COUNT_T2, SLOT_BI, COUNT_BI, SLOT_TRI = 0, 1, 2, 3, 4, 5
OWN_COUNT, GAP, KIND, NEXT_2, AGE = 6, 7, 8, 9, 10
WIDE_LEVEL, NEAR_LEVEL, AFTER_LEVEL = 11, 12, 13
OF_ARTIST, ARTIST_LEVEL, SOURCES = 14, 15, 16
WIDE_COUNT, COMPANY_COUNT = 17, 18
TRAITS = 20
