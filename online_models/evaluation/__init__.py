"""Evaluation: how good the lists are, with which confidence, and whether they get worse.

* `prequential`: hit rate and mean reciprocal rank, counted while the model learns
  (test-then-learn);
* `contest`: a comparison of several models on the same events, in one pass;
* `intervals`: confidence intervals of a mean, clustered by listener;
* `confidence`: a confidence sequence of a paired difference, valid however often one looks
  (A/B test, sequential test, peeking);
* `novelty`: whether a play was a repeat, new to the listener, or new to all;
* `drift_watch`: detection of a falling hit rate (concept drift, ADWIN).

    >>> import numpy as np
    >>> from online_models.evaluation.prequential import Prequential
    >>> quality = Prequential(k=20, min_history=0)
    >>> quality.update(np.array([0, 0]), np.array([-1, 0]), np.zeros(2))
    >>> quality.hit_rate
    0.5

The modules import `base` and `kernels`; no model depends on them.
"""
