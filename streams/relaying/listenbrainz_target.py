"""A service with ListenBrainz' API that listens are submitted to."""

from collections.abc import Sequence

from streams.listens.listen_history import Listen
from streams.relaying.relay import Relay, submission_of_listens
from streams.relaying.relay_answers import Answer, answer_of, no_answer
from streams.relaying.service_client import NoReplyError, ServiceClient


class ListenBrainzTarget:
    """Submits to the URLs of relays."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def submit(self, relay: Relay, listens: Sequence[Listen]) -> Answer:
        """What becomes of listens."""
        try:
            reply = await self._client.post(
                submit_url(relay.url),
                json=submission_of_listens(listens),
                headers={"Authorization": f"Token {relay.token}"},
            )
        except NoReplyError as error:
            return no_answer(str(error), relay.failures)
        return answer_of(*reply, relay.failures)


def submit_url(url: str) -> str:
    """Where listens are submitted; people give the URL with or without `/1`.

    >>> submit_url("https://api.listenbrainz.org"), submit_url("http://host:42010/lb/1/")
    ('https://api.listenbrainz.org/1/submit-listens', 'http://host:42010/lb/1/submit-listens')
    """
    base = url.rstrip("/").removesuffix("/submit-listens").removesuffix("/1")
    return f"{base}/1/submit-listens"
