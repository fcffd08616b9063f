"""Too much poison slows a partition down; nothing halts it, and it recovers."""

from streams.sequencing.circuit_breaker import (
    PAUSE_FIRST_S,
    PAUSE_MAX_S,
    WINDOW_RECORDS_MAX,
    WINDOW_RECORDS_MIN,
    CircuitBreaker,
)


def test_five_percent_of_bad_records_are_borne() -> None:
    breaker = CircuitBreaker()
    breaker.note(0.0, records=100, bad=5)
    assert breaker.pause_left_s(0.0) == 0.0


def test_more_than_five_percent_open_it_for_five_seconds() -> None:
    breaker = CircuitBreaker()
    breaker.note(0.0, records=100, bad=6)
    assert breaker.pause_left_s(0.0) == PAUSE_FIRST_S == 5.0
    assert breaker.pause_left_s(5.0) == 0.0


def test_a_few_records_say_nothing_about_a_share() -> None:
    breaker = CircuitBreaker()
    breaker.note(0.0, records=WINDOW_RECORDS_MIN - 1, bad=WINDOW_RECORDS_MIN - 1)
    assert breaker.pause_left_s(0.0) == 0.0


def test_the_share_is_that_of_the_last_records_over_chunks() -> None:
    breaker = CircuitBreaker()
    for _ in range(20):
        breaker.note(0.0, records=10, bad=1)
    assert breaker.pause_left_s(0.0) > 0.0


def test_old_poison_is_forgotten() -> None:
    breaker = CircuitBreaker()
    breaker.note(0.0, records=90, bad=50)
    breaker.note(0.0, records=WINDOW_RECORDS_MAX, bad=0)
    breaker.note(0.0, records=WINDOW_RECORDS_MAX, bad=0)
    assert breaker.pause_left_s(0.0) == 0.0


def test_pauses_double_up_to_a_minute_while_it_stays_bad() -> None:
    breaker, now_s, pauses = CircuitBreaker(), 0.0, []
    for _ in range(6):
        breaker.note(now_s, records=100, bad=100)
        pauses.append(breaker.pause_left_s(now_s))
        now_s += pauses[-1]
    assert pauses == [5.0, 10.0, 20.0, 40.0, PAUSE_MAX_S, PAUSE_MAX_S]


def test_one_good_chunk_after_a_pause_closes_it() -> None:
    breaker = CircuitBreaker()
    breaker.note(0.0, records=100, bad=100)
    breaker.note(5.0, records=1, bad=0)
    assert breaker.pause_left_s(5.0) == 0.0
    breaker.note(6.0, records=100, bad=100)
    assert breaker.pause_left_s(6.0) == PAUSE_FIRST_S
