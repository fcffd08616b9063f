"""Nothing is left of who is erased, and of who is removed, wherever a service keeps something."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from redis import Redis

from streams.mongo_client import DATABASE
from tests.support.served_station import Person, ServedStation, listen
from tests.support.station import wait_until

OF_THE_ACCOUNT = {"people", "tokens", "listen_positions"}
"""Collections that have the name of everybody who has an account."""


def in_mongo(station: ServedStation, name: str) -> set[str]:
    """The collections with a document that says the name."""
    with MongoClient[dict[str, Any]](station.addresses.mongo) as client:
        database = client[DATABASE]
        return {
            each
            for each in database.list_collection_names()
            if not each.startswith("listen_verdicts")
            and any(name in str(document) for document in database[each].find({}))
        }


def in_redis(station: ServedStation, name: str) -> set[str]:
    """The keys that say the name, or whose value does."""
    with Redis.from_url(station.addresses.redis) as redis:
        readers: dict[bytes, Callable[[bytes], Any]] = {
            b"string": redis.get,
            b"hash": redis.hgetall,
            b"zset": lambda key: redis.zrange(key, 0, -1),
        }
        found = set()
        for key in redis.scan_iter(count=1_000):
            read = readers.get(redis.type(key))
            if name in str(key) or (read is not None and name in str(read(key))):
                found.add(key.decode())
        return found


def is_everywhere(station: ServedStation, tmp_path: Path, name: str) -> Person:
    """A person of whom there is something in every place."""
    person = station.person(name)
    assert person.submit(listen(1), listen(2)).status_code == 200
    newest, _ = person.wait_listens(2)
    loved = {"recording_msid": newest["recording_msid"], "score": 1}
    assert person.ask("POST", "/1/feedback/recording-feedback", loved).status_code == 200
    assert person.ask("POST", "/1/latest-import", {"ts": 1_700_000_000}).status_code == 200
    playing = {"track_metadata": listen(3)["track_metadata"]}
    assert person.submit(playing, listen_type="playing_now").status_code == 200
    track = {"artist_name": "Nina", "track_name": "Wild", "duration_ms": 200_000}
    report = {"state": "playing", "position_ms": 5, "track": track, "player": "p*[x]"}
    assert person.ask("POST", "/v1/playback", report).status_code == 200
    created = f"/1/user/{name}/playlists/createdfor"
    wait_until(lambda: person.ask("GET", created).json()["playlists"], bool)
    (tmp_path / "token").write_text("theirs\n")
    given = ["--to", "http://127.0.0.1:9", "--token-file", str(tmp_path / "token")]
    assert station.run("relays", "add", name, *given).returncode == 0
    kept = {"listens", "feedback", "latest_imports", "playlists", "relays"}
    wait_until(lambda: in_mongo(station, name), lambda found: found >= kept | OF_THE_ACCOUNT)
    wait_until(lambda: len(in_redis(station, name)), lambda found: found >= 4)
    return person


def test_an_erased_person_is_nowhere_but_among_the_accounts(
    served: ServedStation, tmp_path: Path
) -> None:
    is_everywhere(served, tmp_path, "zoeabc")
    assert served.run("send", "--kind", "ERASE", "--listener", "zoeabc").returncode == 0
    wait_until(lambda: in_mongo(served, "zoeabc"), lambda found: found == OF_THE_ACCOUNT)
    wait_until(lambda: in_redis(served, "zoeabc"), lambda found: not found)


def test_who_goes_on_after_an_erasure_keeps_what_is_new(
    served: ServedStation, tmp_path: Path
) -> None:
    person = is_everywhere(served, tmp_path, "yaraabc")
    assert served.run("send", "--kind", "ERASE", "--listener", "yaraabc").returncode == 0
    wait_until(lambda: in_mongo(served, "yaraabc"), lambda found: found == OF_THE_ACCOUNT)
    given = ["--to", "http://127.0.0.1:9", "--token-file", str(tmp_path / "token")]
    assert served.run("relays", "add", "yaraabc", *given).returncode == 0
    served.workers[-1].kill()
    served.serve()
    new = listen(3) | {"listened_at": int(time.time()) + 1}  # an older one would be refused
    assert person.submit(new).status_code == 200
    person.wait_listens(1)  # the service that took over has gone on behind the erasure
    assert "relays" in in_mongo(served, "yaraabc")


def test_a_removed_person_is_in_no_store_of_the_service(
    served: ServedStation, tmp_path: Path
) -> None:
    is_everywhere(served, tmp_path, "xeniaabc")
    removed = served.run("people", "remove", "xeniaabc")
    assert "relays" in removed.stderr
    assert "ERASE --listener xeniaabc" in removed.stderr
    of_the_recommender = ("recs:", "echotune:status:recommender:")

    def left() -> set[str]:
        found = in_redis(served, "xeniaabc")
        kept = {each for each in found if not each.startswith(of_the_recommender)}
        return in_mongo(served, "xeniaabc") | kept

    wait_until(left, lambda found: not found)
    assert served.run("send", "--kind", "ERASE", "--listener", "xeniaabc").returncode == 0
    wait_until(lambda: in_redis(served, "xeniaabc"), lambda found: not found)
