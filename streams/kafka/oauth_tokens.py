"""Bearer tokens for SASL/OAUTHBEARER: from a file, or from a token endpoint (OAuth 2.0)."""

import binascii
import json
import ssl
import time
from base64 import b64encode, urlsafe_b64decode
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from streams.kafka.cluster import OAuthToken
from topics.errors import ServerError, SettingsError

LIFETIME_UNKNOWN_S = 300.0
"""After this time a token that does not say when it expires is read or fetched again."""
_ANSWER_TIMEOUT_S = 10.0
_ANSWER_BYTES_MAX = 256 * 1024


class ClientCredentials(NamedTuple):
    """The grant `client_credentials` (RFC 6749, 4.4) at a token endpoint."""

    endpoint_url: str
    client_id: str
    client_secret: str
    scope: str = ""
    ca_location: str = ""


def token_in(path: Path) -> OAuthToken:
    """The token in a file, which something else renews; raises `SettingsError` without one."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        text, cause = "", error.strerror if isinstance(error, OSError) else "it is no token"
    else:
        cause = "it is empty"
    if not text:
        raise SettingsError(
            f"ECHOTUNE_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE names {path}, which has no token: {cause}."
        )
    return OAuthToken(text, expiry_of(text))


def expiry_of(token: str) -> float:
    """When a token expires, s since 1970, if it is a JWT (RFC 7519) that says so; else soon."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return time.time() + LIFETIME_UNKNOWN_S


def fetched_token(credentials: ClientCredentials) -> OAuthToken:
    """A new token; raises `ServerError` while the endpoint does not give one."""
    answer = _answer_of(credentials)
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise ServerError(f"{credentials.endpoint_url} answered without an access_token.", _REMEDY)
    lifetime = answer.get("expires_in")
    if isinstance(lifetime, int | float):
        return OAuthToken(token, time.time() + lifetime)
    return OAuthToken(token, expiry_of(token))


_REMEDY = (
    "Compare ECHOTUNE_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL, _CLIENT_ID, _CLIENT_SECRET and "
    "_SCOPE with what the identity provider has."
)


def _answer_of(credentials: ClientCredentials) -> dict[str, Any]:
    url = credentials.endpoint_url
    try:
        context = ssl.create_default_context(cafile=credentials.ca_location or None)
        with urlopen(_request(credentials), timeout=_ANSWER_TIMEOUT_S, context=context) as response:
            answer = json.loads(response.read(_ANSWER_BYTES_MAX))
    except HTTPError as error:
        error.close()
        raise ServerError(f"{url} gave no token: it answered {error.code}.", _REMEDY) from None
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise ServerError(f"{url} gave no token: {error}.", _REMEDY) from None
    return answer if isinstance(answer, dict) else {}


def _request(credentials: ClientCredentials) -> Request:
    fields = {"grant_type": "client_credentials"}
    fields |= {"scope": credentials.scope} if credentials.scope else {}
    client = f"{quote(credentials.client_id, safe='')}:{quote(credentials.client_secret, safe='')}"
    return Request(
        credentials.endpoint_url,
        data=urlencode(fields).encode(),
        headers={"Authorization": f"Basic {b64encode(client.encode()).decode()}"},
    )
