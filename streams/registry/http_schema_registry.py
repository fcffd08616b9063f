"""A schema registry over HTTP, with the interface of Confluent, Apicurio, Karapace and others.

`confluent_kafka.schema_registry` would need packages that nothing else here uses. Redirects are not
followed and proxies are not used: the address must be that of the registry itself.
"""

import json
import ssl
from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from streams.addresses import shown
from streams.registry.schema_registry import (
    REFERENCES_MAX,
    VERSIONS_MAX,
    Registered,
    SchemaText,
)
from topics.errors import RegistryUnavailableError, SchemaError, SchemaRefusedError, SettingsError
from topics.registered_schemas import SCHEMA_BYTES_MAX

TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 2 * SCHEMA_BYTES_MAX
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_NO_SUBJECT, _NO_VERSION, _NO_SCHEMA, _NO_LEVEL = 40401, 40402, 40403, 40408
_INCOMPATIBLE, _INVALID = 409, 422
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class _ResponseError(Exception):
    """The registry responded with an error."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class _Place(NamedTuple):
    connect: Callable[[], HTTPConnection]
    path: str
    headers: dict[str, str]


class HttpSchemaRegistry:
    """The registry at `url`, `http[s]://[user:password@]host[:port][/path]`.

    `ca_location` is a file of the authorities to trust; without it, those of the machine are.
    """

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S, ca_location: str = "") -> None:
        self._shown = shown(url)
        self._place = _place_of(url, timeout_s, ca_location)

    def schema(self, schema_id: int | str) -> SchemaText | None:
        """See `SchemaRegistry`."""
        found = self._schema(schema_id)
        if found is None:
            return None
        text = self._field(found, "schema", str)
        if found.get("schemaType", "AVRO") != "AVRO":
            raise SchemaError(f"Schema id {schema_id} is not Avro.")
        references: dict[str, str] = {}
        self._refer(found, references, set())
        return SchemaText(text, tuple(references.values()))

    def _schema(self, schema_id: int | str) -> Any:
        if isinstance(schema_id, int):
            return self._request("GET", f"/schemas/ids/{schema_id}", absent=(_NO_SCHEMA,))
        try:
            return self._request_once("GET", f"/schemas/guids/{schema_id}")
        except _ResponseError as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise self._unavailable(str(refusal)) from refusal
            if refusal.code != _NO_SCHEMA:  # an older registry knows no GUIDs, but its own types
                self._request("GET", "/schemas/types")
            return None

    def _refer(self, found: Any, references: dict[str, str], begun: set[str]) -> None:
        """Adds the schemas that a schema refers to, each after those that it needs."""
        for each in self._field(found, "references", list) if found.get("references") else ():
            subject = quote(str(self._field(each, "subject", str)), safe="")
            path = f"/subjects/{subject}/versions/{self._field(each, 'version', int)}"
            if path in begun:
                continue
            begun.add(path)
            if len(begun) > REFERENCES_MAX:
                raise SchemaError(f"A schema refers to more than {REFERENCES_MAX} others.")
            referred = self._request("GET", path, absent=(_NO_SUBJECT, _NO_VERSION))
            if referred is None:
                raise SchemaError(f"A schema refers to {path}, which the registry does not have.")
            self._refer(referred, references, begun)
            references[path] = self._field(referred, "schema", str)

    def versions(self, subject: str) -> list[Registered]:
        """See `SchemaRegistry`."""
        path = f"/subjects/{quote(subject, safe='')}/versions"
        numbers = self._request("GET", path, absent=(_NO_SUBJECT,)) or []
        if not all(isinstance(each, int) for each in numbers):
            raise self._unavailable("its versions are no numbers")
        found = [
            self._request("GET", f"{path}/{each}", absent=(_NO_SUBJECT, _NO_VERSION))
            for each in sorted(numbers)[-VERSIONS_MAX:]
        ]
        return [
            Registered(self._field(each, "id", int), self._field(each, "schema", str))
            for each in found
            if each is not None  # deleted in the meantime
        ]

    def register(self, subject: str, text: str) -> int:
        """See `SchemaRegistry`."""
        path = f"/subjects/{quote(subject, safe='')}/versions"
        try:
            return self._field(self._request_once("POST", path, {"schema": text}), "id", int)
        except _ResponseError as refusal:
            if refusal.status not in (_INCOMPATIBLE, _INVALID) or not refusal.code:
                raise self._unavailable(str(refusal)) from refusal
            raise SchemaRefusedError(
                f"The registry at {self._shown} refused the schema of {subject}: "
                f"{refusal.message} ({refusal.status}).",
                f"Compare it with what is registered: {self._shown}{path}/latest. Every version of "
                "a contract has to read every other.",
            ) from refusal

    def level(self, subject: str) -> str | None:
        """See `SchemaRegistry`."""
        path = f"/config/{quote(subject, safe='')}"
        found = self._request("GET", path, absent=(_NO_SUBJECT, _NO_LEVEL))
        return None if found is None else self._field(found, "compatibilityLevel", str)

    def set_level(self, subject: str, level: str) -> None:
        """See `SchemaRegistry`."""
        self._request("PUT", f"/config/{quote(subject, safe='')}", {"compatibility": level})

    # -- HTTP ----------------------------------------------------------------------------------

    def _request(
        self, method: str, path: str, body: Any = None, *, absent: tuple[int, ...] = ()
    ) -> Any:
        """The response; None if it is an error with a code in `absent`."""
        try:
            return self._request_once(method, path, body)
        except _ResponseError as refusal:
            if refusal.code in absent:
                return None
            if refusal.status in _REFUSED:
                raise self._refused(refusal) from refusal
            raise self._unavailable(str(refusal)) from refusal

    def _request_once(self, method: str, path: str, body: Any = None) -> Any:
        status, content = self._exchange(method, path, body)
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            what = f"{method} {path} was answered with {status} and no JSON"
            raise _ResponseError(status, 0, what) from None
        if status == HTTPStatus.OK and isinstance(answer, dict | list):
            return answer
        fields = answer if isinstance(answer, dict) else {}
        code, message = fields.get("error_code", 0), str(fields.get("message", ""))[:500]
        raise _ResponseError(status, code, message or f"{method} {path} was answered with {status}")

    def _exchange(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        connection = self._place.connect()
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, self._place.path + path, content, self._place.headers)
            answer = connection.getresponse()
            found = answer.read(ANSWER_BYTES_MAX + 1)
        except (OSError, HTTPException) as error:
            raise self._unavailable(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if len(found) > ANSWER_BYTES_MAX:
            raise SchemaError(f"{path} of the registry is longer than {ANSWER_BYTES_MAX:,} bytes.")
        return answer.status, found

    def _field(self, answer: Any, name: str, kind: type) -> Any:
        found = answer.get(name) if isinstance(answer, dict) else None
        if not isinstance(found, kind):
            raise self._unavailable(f"its answer has no {name}")
        return found

    def _refused(self, refusal: _ResponseError) -> RegistryUnavailableError:
        return RegistryUnavailableError(
            f"The schema registry at {self._shown} refuses this client: {refusal} "
            f"({refusal.status}).",
            "Does ECHOTUNE_SCHEMA_REGISTRY have the right user and password?",
        )

    def _unavailable(self, what: str) -> RegistryUnavailableError:
        return RegistryUnavailableError(
            f"The schema registry at {self._shown} is unavailable: {what}.",
            "Is it up, and is ECHOTUNE_SCHEMA_REGISTRY its address, with the path of its "
            "Confluent-compatible interface?",
        )


def _place_of(url: str, timeout_s: float, ca_location: str) -> _Place:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https"):
        raise SettingsError(
            f"ECHOTUNE_SCHEMA_REGISTRY is no address of a registry: {shown(url)!r}.",
            "It looks like http://host:8081, or https://user:password@host/path.",
        )
    headers = {"Accept": f"{_MEDIA_TYPE}, application/json", "Content-Type": _MEDIA_TYPE}
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(secret.encode()).decode()}"
    path = parts.path.rstrip("/")
    if parts.scheme == "http":
        return _Place(lambda: HTTPConnection(host, port, timeout=timeout_s), path, headers)
    context = _trust(ca_location)
    return _Place(
        lambda: HTTPSConnection(host, port, timeout=timeout_s, context=context), path, headers
    )


def _trust(ca_location: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_location or None)
    except OSError as error:
        raise SettingsError(
            f"ECHOTUNE_SCHEMA_REGISTRY_SSL_CA_LOCATION names {ca_location}, which cannot be used: "
            f"{error.strerror or error}.",
            "It names a file of certificates in PEM form.",
        ) from error
