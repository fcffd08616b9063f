"""Nothing secret of an address is ever shown, whichever part it is in."""

import asyncio
from contextlib import suppress

import pytest

from streams.addresses import Addresses, shown
from streams.redis_client import redis_of
from streams.tracks.mongo_track_catalogue import MongoTrackCatalogue
from topics.errors import SettingsError

SECRET = "s3cret"
HOSTILE = (
    "redis://me:{}@host:6379/0",
    "redis://:{}@host",
    "redis://{}@host/0",
    "redis://me:a/{}@host/0",
    "redis://me:a@{}@host/0",
    "redis://me:a?{}@host/0",
    "redis://me:a#{}@host/0",
    "rediss://host/0?password={}",
    "redis://host/0?x=1&password=a@{}",
    "redis://host/0#{}",
    "unix:///run/redis.sock?password={}",
    "mongodb://me:{}@one,two/?replicaSet=a&tlsCertificateKeyFilePassword={}",
    "me:{}@host:9092",
    "http://host/path;password={}",
    "http://host/path&password={}",
    "http://host/path/token={}",
    "http://host?x\n{}",
)


@pytest.mark.parametrize("url", HOSTILE)
def test_no_part_of_a_secret_is_shown(url: str) -> None:
    assert SECRET not in shown(url.format(SECRET, SECRET))


@pytest.mark.parametrize("url", ["redis://host:6379/0", "127.0.0.1:9092,other:9092", ""])
def test_what_has_no_secret_is_shown_as_it_is(url: str) -> None:
    assert shown(url) == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://host/0?passwort=s3cret", "no parameter 'passwort'"),
        ("redis://host:s3cret/0", "no"),
        ("http://me:s3cret@host/0", "no"),
        ("rediss://host/0?ssl_s3cret=1&password=s3cret", "no parameter"),
        ("rediss://host/0?ssl_cert_reqs=s3cret&password=s3cret", "none, optional or required"),
        ("redis://host/0?retry=s3cret", "no parameter 'retry'"),
        ("redis://host/0?retry_on_error=s3cret", "no parameter 'retry_on_error'"),
        ("redis://host/0?event_dispatcher=s3cret", "no parameter 'event_dispatcher'"),
    ],
)
def test_a_wrong_address_of_redis_is_named_without_its_secrets(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as raised:
        redis_of(Addresses(kafka="", redis=url, mongo=""))
    assert "=s3cret" not in str(raised.value)


@pytest.mark.parametrize("parameter", ["tlsCertificateKeyPasswort", "maxIdleTimeMS", "w", "ssl"])
def test_a_wrong_parameter_of_mongodb_prints_nothing(
    parameter: str, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    async def make_client() -> None:
        await MongoTrackCatalogue(f"mongodb://host/?{parameter}={SECRET}").close()

    with suppress(SettingsError):
        asyncio.run(make_client())
    assert capfd.readouterr().err == ""
    assert [str(each.message) for each in recwarn if each.category is UserWarning] == []
