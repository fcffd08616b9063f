"""What the log lost is noticed, by what the folds say, and sent again."""

from streams.sequencing.lost_rows import STALL_FIRST_S, LostRowsDetector


def watching(start: int, log_end: int, *acknowledged: tuple[int, int]) -> LostRowsDetector:
    """A partition read from `start`; then (last source offset, log offset) of each chunk."""
    detector = LostRowsDetector()
    detector.begin_epoch(start, log_end)
    for to_offset, log_offset in acknowledged:
        detector.acknowledged(to_offset, log_offset)
    return detector


def test_a_fold_that_has_covered_everything_misses_nothing() -> None:
    detector = watching(0, 10, (9, 10), (19, 11))
    assert not detector.is_lost(0.0, as_of=11, folded=20, next_unacknowledged=20)


def test_a_fold_that_has_not_come_so_far_is_waited_for() -> None:
    detector = watching(0, 10, (9, 10), (19, 11))
    assert not detector.is_lost(0.0, as_of=9, folded=0, next_unacknowledged=20)
    assert not detector.is_lost(1.0, as_of=10, folded=10, next_unacknowledged=20)


def test_a_fold_that_passed_a_chunk_without_covering_it_will_never_see_it() -> None:
    detector = watching(0, 10, (9, 10), (19, 11))
    assert detector.is_lost(0.0, as_of=11, folded=10, next_unacknowledged=20)


def test_what_was_sent_before_this_epoch_is_lost_if_the_fold_stands_at_the_logs_end_below_it() -> (
    None
):
    detector = watching(500, 10)
    assert detector.is_lost(0.0, as_of=9, folded=400, next_unacknowledged=500)


def test_a_fold_that_stands_still_below_what_was_sent_for_ten_seconds_has_lost_it() -> None:
    detector = watching(0, 10, (9, 20))
    verdicts = [
        detector.is_lost(now_s, as_of=15, folded=0, next_unacknowledged=10)
        for now_s in (0.0, 4.0, 8.0, 10.1)
    ]
    assert verdicts == [False, False, False, True]


def test_a_fold_that_moves_is_not_standing_still() -> None:
    detector = watching(0, 10, (9, 20))
    for now_s in range(60):
        assert not detector.is_lost(
            float(now_s), as_of=9 + now_s % 2, folded=0, next_unacknowledged=10
        )


def test_going_back_in_vain_is_not_repeated_at_once() -> None:
    detector = watching(0, 10, (9, 10))
    assert detector.is_lost(0.0, as_of=10, folded=0, next_unacknowledged=10)
    detector.begin_epoch(0, 11)
    detector.acknowledged(9, 11)
    assert not detector.is_lost(1.0, as_of=11, folded=0, next_unacknowledged=10)
    assert detector.is_lost(2 * STALL_FIRST_S + 1.0, as_of=11, folded=0, next_unacknowledged=10)


def test_after_it_helped_the_next_loss_is_noticed_at_once() -> None:
    detector = watching(0, 10, (9, 10))
    assert detector.is_lost(0.0, as_of=10, folded=0, next_unacknowledged=10)
    detector.begin_epoch(0, 11)
    detector.acknowledged(9, 11)
    assert not detector.is_lost(1.0, as_of=11, folded=10, next_unacknowledged=10)
    detector.acknowledged(19, 12)
    assert detector.is_lost(2.0, as_of=12, folded=10, next_unacknowledged=20)
