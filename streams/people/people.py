"""People, their tokens, and whose token it is. Pure."""

import hmac
import re
import unicodedata
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from topics.errors import EchoTuneError
from topics.listening_event import ID_LENGTH_MAX
from topics.recommendation_list import EVERYONE

TOKEN_LENGTH = 36
_TOKEN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_NO_TEXT = {"Cc", "Cs"}
"""Unicode categories of control characters and of halves of characters."""
_FOLDERS = {".", ".."}
"""Clients of HTTP remove them from a path."""
_NAME_REMEDY = "Give the listener's id, such as ann."


@dataclass(frozen=True)
class Person:
    """A listener who may use the HTTP interface; `name` is the listener's id. Time in ms."""

    name: str
    is_admin: bool = False
    public_reads: bool = False
    created_at: int = 0


@dataclass(frozen=True)
class Token:
    """What is stored of a token; times in ms, and None if it never happened or never will."""

    token_id: str
    digest: str
    person: str
    label: str
    created_at: int
    last_used_at: int | None = None
    expires_at: int | None = None

    def is_known_by(self, digest: str) -> bool:
        """Whether this is the token with this digest, in a time that tells nothing of it."""
        return hmac.compare_digest(self.digest, digest)

    def has_ended(self, now_ms: float) -> bool:
        """Whether its grace time after a rotation is over."""
        return self.expires_at is not None and now_ms >= self.expires_at


def new_token() -> str:
    """A token: a random UUID, because some players have room for exactly its 36 characters."""
    return str(uuid.uuid4())


def is_token(text: str) -> bool:
    """Whether a text has the form of a token.

    >>> is_token("8b2E7e0c-8a4f-4c58-9f0e-3d5e2f1a7b6c"), is_token("secret")
    (True, False)
    """
    return _TOKEN.fullmatch(text) is not None


def digest_of(token: str) -> str:
    """The SHA-256 digest of a token in lower case, as hexadecimal digits.

    A slow hash with salt protects passwords, which can be guessed. A token is 122 random bits,
    which cannot, so a plain hash is as safe, and costs a request a microsecond.

    >>> digest_of("8B2E7E0C-8A4F-4C58-9F0E-3D5E2F1A7B6C")[:16]
    'd9fc73f2ab0e3944'
    """
    return sha256(token.lower().encode("utf-8", "surrogatepass")).hexdigest()


def checked_name(name: str) -> str:
    """The name, if it can be a listener's id and a part of a URL; raises `EchoTuneError`.

    >>> checked_name("zoë")
    'zoë'
    """
    if wrong := _wrong_in(name):
        raise EchoTuneError(f"This is no name of a person: {wrong}.", _NAME_REMEDY)
    return name


def _wrong_in(name: str) -> str:
    if not name.strip():
        return "it is blank"
    if len(name) > ID_LENGTH_MAX:
        return f"it has {len(name)} characters, and {ID_LENGTH_MAX} are the most"
    if any(unicodedata.category(each) in _NO_TEXT for each in name):
        return "it has a control character, or is no UTF-8 text"
    if name != name.strip():
        return "it begins or ends with a space"
    if "/" in name or name in _FOLDERS:
        return "it cannot be a part of a URL, because of a / or as a name of dots alone"
    return f"{EVERYONE} stands for all listeners" if name == EVERYONE else ""


class KnownPeople:
    """All people and tokens at one moment; never changed, but replaced as a whole."""

    def __init__(self, people: Iterable[Person] = (), tokens: Iterable[Token] = ()) -> None:
        self._people = {each.name: each for each in people}
        self._tokens = {each.digest: each for each in tokens}

    @property
    def names(self) -> frozenset[str]:
        """The names of all people."""
        return frozenset(self._people)

    def person(self, name: str) -> Person | None:
        """The person of this name."""
        return self._people.get(name)

    def token(self, digest: str, now_ms: float) -> Token | None:
        """The token with this digest, unless it has ended or its person was removed."""
        token = self._tokens.get(digest)
        if token is None or not token.is_known_by(digest) or token.has_ended(now_ms):
            return None
        return token if token.person in self._people else None
