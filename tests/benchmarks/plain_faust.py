"""The peer: a Faust agent in the style of Faust's documentation, one event at a time.

It decodes the same events with the same library, lets a River ranker learn each and rank 100
candidates, and writes the listener's list to Redis. Run as a process:
`python -m tests.benchmarks.plain_faust KAFKA REDIS_URL rank|learn`.
"""

import json
import os
import sys
import tempfile
import time
from collections import Counter

import faust
from redis.asyncio import Redis
from river import reco

from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder

CANDIDATES = 100
LIST_LENGTH = 20
COUNTER_KEY = "plain-faust:events"
_SAY_EVERY = 100


def build_app(kafka: str, redis_url: str, *, ranks: bool) -> faust.App:
    """The peer's app; it counts its events in Redis."""
    app = faust.App(
        f"plain-faust-{os.getpid()}",
        broker=f"kafka://{kafka}",
        store="memory://",
        datadir=tempfile.mkdtemp(),
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
    )
    topic = app.topic(LISTENING_EVENTS.name, value_serializer="raw")
    redis = Redis.from_url(redis_url)
    decoder = Decoder(LISTENING_EVENTS.contracts)
    model = reco.BiasedMF(seed=7)
    recent: dict[str, None] = {}  # the latest distinct tracks, oldest first
    counts: Counter[str] = Counter()

    @app.agent(topic)
    async def learn(values: faust.StreamT) -> None:
        async for value in values:
            _, event = decoder.decode(value)
            listener, track = event["listener_id"], event["track_id"]
            model.learn_one(listener, track, 1.0)
            recent.pop(track, None)
            recent[track] = None
            if len(recent) > CANDIDATES:
                del recent[next(iter(recent))]
            if ranks:
                ranked = model.rank(listener, set(recent))[:LIST_LENGTH]
                await redis.hset(f"plain:{listener}", "items", json.dumps(ranked))
            else:
                await redis.hset(f"plain:{listener}", "items", json.dumps([track]))
            counts["events"] += 1
            if counts["events"] % _SAY_EVERY == 0:
                await redis.set(COUNTER_KEY, f"{counts['events']} {time.time()}")

    return app


if __name__ == "__main__":
    faust.Worker(
        build_app(sys.argv[1], sys.argv[2], ranks=sys.argv[3] == "rank"), loglevel="WARN"
    ).execute_from_commandline()
