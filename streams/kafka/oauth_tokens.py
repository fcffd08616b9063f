"""Bearer tokens for SASL/OAUTHBEARER: from a file, or from a token endpoint (OAuth 2.0)."""

import binascii
import json
import re
import ssl
import time
from base64 import b64encode, urlsafe_b64decode
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from streams.kafka.cluster import OAuthToken
from topics.errors import ServerError, SettingsError

LIFETIME_UNKNOWN_S = 300.0
"""After this time a token that does not say when it expires is read or fetched again."""
_ANSWER_TIMEOUT_S = 10.0
_ANSWER_BYTES_MAX = 256 * 1024
LIFETIME_MAX_S = 10 * 366 * 24 * 3600.0
"""A token that says that it lives for longer is taken to live as long."""
_BEARER_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
"""RFC 6750, 2.1: anything else would be refused by clients, or end a message early."""


class ClientCredentials(NamedTuple):
    """The grant `client_credentials` (RFC 6749, 4.4) at a token endpoint."""

    endpoint_url: str
    client_id: str
    client_secret: str
    scope: str = ""
    ca_location: str = ""


def token_in(path: Path) -> OAuthToken:
    """The token in a file, which something else renews; raises `ServerError` without one."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        text, cause = "", error.strerror if isinstance(error, OSError) else "it is no token"
    else:
        cause = "it is something else" if text else "it is empty"
    if not _BEARER_TOKEN.fullmatch(text):
        raise ServerError(
            f"ECHOTUNE_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE names {path}, which has no token: "
            f"{cause}.",
            _RENEWAL,
        )
    return _unexpired(OAuthToken(text, expiry_of(text)), str(path), _RENEWAL)


_RENEWAL = "Whatever writes this file has to renew the token before it expires."


def _unexpired(token: OAuthToken, where: str, remedy: str) -> OAuthToken:
    """The token; raises `ServerError` if clients would refuse it as expired."""
    ago_s = time.time() - token.expires_at_s
    if ago_s >= 0:
        raise ServerError(f"The bearer token of {where} expired {ago_s:,.0f} s ago.", remedy)
    return token


def expiry_of(token: str) -> float:
    """When a token expires, s since 1970, if it is a JWT (RFC 7519) that says so; else soon."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return _bounded(float(claims["exp"]))
    except (IndexError, KeyError, TypeError, ValueError, RecursionError, binascii.Error):
        return time.time() + LIFETIME_UNKNOWN_S


def _bounded(expires_at_s: float) -> float:
    """The time, bounded because clients compute with it; raises `ValueError` if it is none."""
    latest = time.time() + LIFETIME_MAX_S
    if not 0 <= expires_at_s < float("inf"):
        raise ValueError(expires_at_s)
    return min(expires_at_s, latest)


def fetched_token(credentials: ClientCredentials) -> OAuthToken:
    """A new token; raises `ServerError` while the endpoint does not give one."""
    answer = _answer_of(credentials)
    token = answer.get("access_token")
    if not isinstance(token, str) or not _BEARER_TOKEN.fullmatch(token):
        shown = _shown(credentials.endpoint_url)
        raise ServerError(f"{shown} answered without an access_token.", _REMEDY)
    try:
        expires_at_s = _bounded(time.time() + float(answer["expires_in"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        expires_at_s = expiry_of(token)
    return _unexpired(OAuthToken(token, expires_at_s), _shown(credentials.endpoint_url), _REMEDY)


_REMEDY = (
    "Compare ECHOTUNE_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL, _CLIENT_ID, _CLIENT_SECRET and "
    "_SCOPE with what the identity provider has."
)


def check_endpoint(url: str) -> None:
    """Raises `SettingsError` for an address that is none, or has a user, which would be shown."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_one = is_one and parts.username is None and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise SettingsError(
            "ECHOTUNE_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL is no http(s)://host[:port]/path.",
            "The user and the password belong in _CLIENT_ID and _CLIENT_SECRET.",
        )


def _shown(url: str) -> str:
    """The address without its query, which may hold a secret."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


class _NoRedirects(HTTPRedirectHandler):
    """Another server would be given the secret, too (RFC 6749 knows no redirects here)."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _answer_of(credentials: ClientCredentials) -> dict[str, Any]:
    url = credentials.endpoint_url
    try:
        context = ssl.create_default_context(cafile=credentials.ca_location or None)
        opener = build_opener(HTTPSHandler(context=context), _NoRedirects)
        with opener.open(_request(credentials), timeout=_ANSWER_TIMEOUT_S) as response:
            answer = json.loads(response.read(_ANSWER_BYTES_MAX))
    except HTTPError as error:
        error.close()
        raise ServerError(
            f"{_shown(url)} gave no token: it answered {error.code}.", _REMEDY
        ) from None
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise ServerError(f"{_shown(url)} gave no token: {error}.", _REMEDY) from None
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
