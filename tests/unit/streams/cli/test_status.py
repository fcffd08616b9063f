from typing import Any

from streams.cli.status import summary

FOUND: dict[str, Any] = {
    "generation": "second",
    "addresses": {"kafka": "k:9092", "redis": "redis://r/0", "mongo": ""},
    "applied": 1_234,
    "lists": 56,
    "lag": {"events": 7, "log_records": 0},
    "freshness_ms": {"p50": 8.9, "p99": 70.2},
    "recommender": {},
    "shards": [{"recommender_id": "first-0of2"}, {"recommender_id": None}],
    "sequencers": [{}],
    "http": "http://h:1",
    "problems": ["first-1of2 does not run"],
}


def test_a_person_gets_a_few_lines_with_what_matters_and_every_problem() -> None:
    assert summary(FOUND) == [
        ("generation", "second"),
        ("events", "1,234 learnt, 7 waiting, 0 log records behind"),
        ("lists", "56 in Redis"),
        ("freshness", "p50 9 ms, p99 70 ms"),
        ("workers", "recommenders: 1 of 2, sequencers: 1"),
        ("http", "http://h:1"),
        ("servers", "k:9092, redis://r/0"),
        ("problem", "first-1of2 does not run"),
    ]


def test_masked_plays_are_told_by_their_source() -> None:
    masked = {"masked": {"rescrobbled": 1_200, "last\nfm": 3}}
    lines = dict(summary({**FOUND, "recommender": masked}))
    assert lines["masked"] == "rescrobbled 1,200, last\\x0afm 3 (echotune duplicates)"


def test_what_is_unknown_is_said_as_unknown() -> None:
    unknown = {"applied": None, "lists": None, "freshness_ms": {}}
    lag = {"events": None, "log_records": None}
    lines = dict(summary({**FOUND, **unknown, "lag": lag}))
    assert lines["events"] == "unknown learnt, unknown waiting, unknown log records behind"
    assert lines["freshness"] == "unknown: no list followed an event yet"
