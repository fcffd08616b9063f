"""Candidates: the tracks that are ranked for one listener, with their features.

* `features`: names of all features (numbers, weighed linearly) and traits (categories, by which
  bucket tables are looked up), and the reason codes;
* `candidate_set`: the set of candidates, each track once, with a row of features and traits;
* `candidate_sums`: sums by track or session, from which experts select the top k.

Candidate generation itself is in `experts` (`propose`), which `roster` calls.

All of it is scratch memory for one list; nothing here is part of a model's state. The modules
import `kernels` alone.
"""
