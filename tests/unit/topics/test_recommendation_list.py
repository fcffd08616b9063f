"""A list as it is published: the same in Redis and in the topic."""

import json

from topics.codecs import Decoder
from topics.recommendation_list import RecommendationList, RecommendedTrack
from topics.rejection import Rejected

A_LIST = RecommendationList(
    listener_id="björk-fan",
    generation="first",
    log_epoch=2,
    as_of=41,
    event_time=1_700_000_000_000,
    items=[RecommendedTrack("t1", 0.5, "transition"), RecommendedTrack("t2", 0.25, "popular")],
    shard=1,
)


def test_a_list_reads_back_from_the_topic() -> None:
    decoded = Decoder(["RecommendationList"]).decode(A_LIST.encoded())
    assert not isinstance(decoded, Rejected)
    _, record = decoded
    items = [RecommendedTrack(**item) for item in record.pop("items")]
    assert RecommendationList(**record, items=items) == A_LIST


def test_redis_holds_the_same_items_as_plain_json() -> None:
    assert json.loads(A_LIST.items_json()) == [["t1", 0.5, "transition"], ["t2", 0.25, "popular"]]
