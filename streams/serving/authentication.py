"""Who asks: the person of the token, which clients send in a header or as a parameter."""

from starlette.requests import Request

from streams.people.people import Person
from streams.people.people_directory import PeopleDirectory
from streams.serving.problems import ProblemError, unavailable

_SCHEMES = ("token", "bearer")
_CHALLENGE = {"WWW-Authenticate": "Token"}
_TOKEN_LETTERS_MAX = 200


def token_of(request: Request) -> str:
    """The token of a request; empty if it has none."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() in _SCHEMES and token.strip():
        return token.strip()[:_TOKEN_LETTERS_MAX]
    return request.query_params.get("token", "").strip()[:_TOKEN_LETTERS_MAX]


async def person_of(request: Request, people: PeopleDirectory) -> Person:
    """The person who asks; raises a `ProblemError` 401 without a valid token."""
    token = token_of(request)
    if not token:
        raise ProblemError(401, "an Authorization header is needed: Token <token>", _CHALLENGE)
    person = await people.person_of(token)
    if person is not None:
        return person
    if not people.is_fresh:
        raise unavailable("MongoDB does not answer, so that a new token cannot be known")
    raise ProblemError(401, "the token is not valid", _CHALLENGE)


async def readable(request: Request, people: PeopleDirectory, name: str) -> Person:
    """The person `name`, if whoever asks may read of them.

    That is the person, an administrator, and everybody if the person's reads are public. Without
    a token, an unknown person and one whose reads are private are answered alike.
    """
    person = await people.person(name)
    if person is not None and person.public_reads:
        return person
    asking = await person_of(request, people)
    if asking.name == name:
        return asking
    if not asking.is_admin:
        raise ProblemError(403, "this token belongs to somebody else, whose reads are private")
    if person is None:
        raise ProblemError(404, f"there is no person {name}")
    return person
