"""A service with ListenBrainz' API that listens are submitted to."""

from collections.abc import Sequence

import httpx

from streams.listens.listen_history import Listen
from streams.relaying.relay import CLIENT, Relay, submission_of_listens
from streams.relaying.relay_answers import Answer, answer_of, no_answer

TIMEOUT_S = 20.0
ANSWER_BYTES_MAX = 64 * 1024


class ListenBrainzTarget:
    """Submits to the URLs of relays. It follows no redirect: the token is for one service."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S, headers={"User-Agent": CLIENT})

    async def submit(self, relay: Relay, listens: Sequence[Listen]) -> Answer:
        """What becomes of listens."""
        request = self._http.build_request(
            "POST",
            submit_url(relay.url),
            json=submission_of_listens(listens),
            headers={"Authorization": f"Token {relay.token}"},
        )
        try:
            response = await self._http.send(request, stream=True)
            try:
                body = await _body(response)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            return no_answer(f"no answer ({type(error).__name__})", relay.failures)
        return answer_of(response.status_code, response.headers, body, relay.failures)

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()


def submit_url(url: str) -> str:
    """Where listens are submitted; people give the URL with or without `/1`.

    >>> submit_url("https://api.listenbrainz.org"), submit_url("http://host:42010/lb/1/")
    ('https://api.listenbrainz.org/1/submit-listens', 'http://host:42010/lb/1/submit-listens')
    """
    base = url.rstrip("/").removesuffix("/submit-listens").removesuffix("/1")
    return f"{base}/1/submit-listens"


async def _body(response: httpx.Response) -> object:
    """The JSON of an answer; None if it is none, or is far too large."""
    read = bytearray()
    async for part in response.aiter_bytes():
        read += part
        if len(read) > ANSWER_BYTES_MAX:
            return None
    try:
        return httpx.Response(200, content=bytes(read)).json()
    except ValueError:
        return None
