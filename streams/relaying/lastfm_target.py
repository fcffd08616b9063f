"""A service with Last.fm's API 2.0 that listens are scrobbled to: Last.fm, Libre.fm, GNU FM."""

from collections.abc import Sequence

from streams.listens.listen_history import Listen
from streams.relaying.lastfm_scrobbles import answer_of_lastfm, scrobble_form, scrobble_url
from streams.relaying.relay import Relay
from streams.relaying.relay_answers import Answer, no_answer
from streams.relaying.service_client import NoReplyError, ServiceClient


class LastFmTarget:
    """Calls `track.scrobble` at the URLs of relays."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def submit(self, relay: Relay, listens: Sequence[Listen]) -> Answer:
        """What becomes of listens."""
        try:
            reply = await self._client.post(
                scrobble_url(relay.url), data=scrobble_form(relay, listens)
            )
        except NoReplyError as error:
            return no_answer(str(error), relay.failures)
        return answer_of_lastfm(*reply, len(listens), relay.failures)
