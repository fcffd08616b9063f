"""A copy of the state is that of one instant, whatever room there was for it."""

import numpy as np
import pytest

from streams.folding.state_copy import copied
from streams.snapshots.array_buffers import preallocate, sizes_of
from tests.support.learning_log import a_batch, a_fold, a_history, batches, folded


@pytest.mark.parametrize("model", ["popularity", "fast"])
def test_a_copy_into_room_made_before_the_state_grew_is_the_state(model: str) -> None:
    log = batches(a_history(3_000), 100)
    fold = folded(a_fold(model), log[:12])  # the duplicate window turns round in between
    room = preallocate(sizes_of(fold.views()))
    folded(fold, log[12:])
    taken, digest = copied(fold.views(), room), fold.digest()
    summary = fold.summary()
    assert taken.keys() == fold.state().keys()
    for name, array in fold.state().items():
        assert array.dtype == taken[name].dtype
        assert array.shape == taken[name].shape
        assert array.tobytes() == taken[name].tobytes()
    folded(fold, [a_batch(*a_history(7), from_offset=3_000)])
    again = a_fold(model)
    again.load(summary, taken)
    assert again.digest() == digest != fold.digest()


def test_a_copy_shares_no_memory_with_the_state() -> None:
    fold = folded(a_fold("fast"), batches(a_history(300), 100))
    views = fold.views()
    for name, array in copied(views).items():
        assert not any(np.shares_memory(array, part) for part in views[name])
