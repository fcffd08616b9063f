"""Why a track is on a list, in words for its listener. Pure."""

REASONS = {
    "transition": "often follows what was played last",
    "ngram": "followed the same few tracks before",
    "own": "the listener plays it again and again",
    "cooccurrence": "is played in the same sittings as the last tracks",
    "neighbours": "is played in sittings like this one",
    "artist": "an artist the listener is with",
    "popular": "popular now",
}
"""Expert → explanation for a listener."""
