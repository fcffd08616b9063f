"""What experts say of a candidate: features, which are weighted, and facts, which choose buckets.

A feature is near 0 where its expert says nothing, so that silence adds nothing to a score.
"""

T1, T2, T3, BIGRAM, TRIGRAM, IS_FOLLOWER = 0, 1, 2, 3, 4, 5
WIDE, WIDE_SUM, NEIGHBOURS, NEIGHBOURS_AHEAD = 6, 7, 8, 9
OWN_NEXT, OWN_NEXT_OF_TWO, IS_OWN, OWN_COUNT, OWN_GAP, OWN_RECENCY = 10, 11, 12, 13, 14, 15
GAP_IS_0, GAP_BELOW_10, GAP_BELOW_50, IN_SESSION = 16, 17, 18, 19
POPULAR = 20
SAME_ARTIST, ARTIST_NEXT, ARTIST_PLAYS, ARTIST_SHARE = 21, 22, 23, 24
FEATURES = 25

START = {
    T1: 0.6, T2: 0.3, T3: 0.15, OWN_NEXT: 0.5, BIGRAM: 0.6, OWN_COUNT: 0.3, OWN_RECENCY: 0.2,
    POPULAR: 0.1, WIDE: 0.4, SAME_ARTIST: 0.3, ARTIST_NEXT: 0.2,
}  # fmt: skip
"""Weights before anything is learnt; others begin at 0."""

REASONS = ("transition", "sequence", "together", "neighbours", "own", "popular", "artist")
"""The experts, as a list names them."""
EXPERT_OF = (0, 0, 0, 1, 1, 0, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 6, 6, 6, 6)
"""Expert of each feature."""

SLOT_T, COUNT_T, COUNT_T2, SLOT_BIGRAM, COUNT_BIGRAM, IN_TRIGRAM = 0, 1, 2, 3, 4, 5
OWN_V, OWN_V_OF_TWO, GAP, OWN_TIMES, WIDE_SHARE, RECENCY_SUM, SOURCES = 6, 7, 8, 9, 10, 11, 12
FACTS = 13
"""Places in a slot are 1-based, gaps too: 0 says that there is none."""

FROM_T1, FROM_T2, FROM_NGRAM, FROM_WIDE, FROM_OWN, FROM_CHART, FROM_ARTIST = 1, 2, 4, 8, 16, 32, 64
SOURCE_MASKS = 128
