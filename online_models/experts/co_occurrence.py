"""What is played near a track, before it or after it: the widest of the experts.

Method: item-to-item collaborative filtering (Sarwar et al. 2001) over the plays of an hour, with
weights that fall with distance and fade with time.
"""

import numpy as np
from numpy.typing import NDArray

from online_models.arithmetic import ln
from online_models.blend.candidates import Candidates, nth_largest, propose
from online_models.blend.features import FROM_WIDE, WIDE, WIDE_SHARE, WIDE_SUM
from online_models.compiled import njit_cached
from online_models.experts.fading_rows import FadingRows, add
from online_models.experts.own_plays import Plays, play_before

COMPANIONS_MAX = 64
NEAR = 8
"""How many plays before count as near."""
GAP_MAX_S = 3600
FADING = 0.998
ASKED = 8
"""How many of the last plays are asked for their companions."""
TINY = np.float32(1e-30)
"""Least that a companion adds, so that a sum of 0 says that there is none."""
SMALL = 1e-3
SILENCE = 6.91
_ROOT = 1.0 / np.sqrt(np.arange(1.0, NEAR + 1.0))


@njit_cached
def teach_companions(
    rows: FadingRows, plays: Plays, listener: int, track: int, at_s: int, gain: float
) -> None:
    """`track` was played soon after the listener's last plays."""
    later_s = at_s
    for back in range(min(NEAR, plays.held[listener])):
        other, other_s = play_before(plays, listener, back)
        if later_s - other_s > GAP_MAX_S:
            return
        later_s = other_s
        if other != track:
            add(rows, other, track, gain * _ROOT[back], FADING)
            add(rows, track, other, gain * _ROOT[back], FADING)


@njit_cached
def _sum_up(
    sums: NDArray[np.float32],
    touched: NDArray[np.int32],
    rows: FadingRows,
    plays: Plays,
    listener: int,
) -> int:
    """Sums up what keeps company with the last plays; returns how many tracks that are."""
    found = 0
    for back in range(min(ASKED, plays.held[listener])):
        track, _ = play_before(plays, listener, back)
        grain = rows.grain[track]
        scale = grain * (back + 1.0) * np.sqrt(rows.mass[track] / grain + 1.0)
        share = np.float32(1.0 / scale)
        items, weights = rows.items[track], rows.weights[track]
        for at in range(rows.held[track]):
            item = items[at]
            before = sums[item]
            if before == 0.0:
                touched[found] = item
                found += 1
            sums[item] = before + max(weights[at] * share, TINY)
    return found


@njit_cached
def propose_companions(
    candidates: Candidates, rows: FadingRows, plays: Plays, listener: int, best: int
) -> None:
    """The `best` tracks that keep company with the listener's last plays."""
    sums, touched = candidates.sums, candidates.touched
    found = _sum_up(sums, touched, rows, plays, listener)
    if found == 0:
        return
    order = candidates.order[:found]
    most = np.float32(0.0)
    for at in range(found):
        order[at] = sums[touched[at]]
        most = max(most, order[at])
    least = nth_largest(order, best) if found > best else np.float32(0.0)
    for at in range(found):
        item = touched[at]
        total = sums[item]
        sums[item] = 0.0
        if total < least and candidates.slot_of[item] < 0:
            continue
        slot = propose(candidates, item, FROM_WIDE)
        candidates.features[WIDE, slot] = ln(SMALL + total / most) + SILENCE
        candidates.features[WIDE_SUM, slot] = ln(SMALL + total) + SILENCE
        candidates.facts[WIDE_SHARE, slot] = total / most
