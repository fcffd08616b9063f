"""A Kafka with TLS, passwords and an authorizer: what other people's clusters ask for."""

import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from infra.daemon import LOOPBACK, Daemon, free_port
from infra.kafka_server import KafkaServer
from streams.kafka.cluster import OAuthToken
from tests.support.certificates import Authority

UNREACHABLE = "broker.invalid:9092"
"""Where the cluster tells clients of its listener `elsewhere` to go."""
PASSWORD = "the password of {user}"
_KAFKA = "org.apache.kafka.common.security"
_DENIED = re.compile(r"Principal = User:(\S+) is Denied operation = (\S+) .*? resource = (\S+) for")
_TIMEOUT_S = 30.0


class SecureKafka(KafkaServer):
    """One node with a listener of each kind; `admin` may do everything, all others nothing."""

    def __init__(self, folder: Path, libs: Path, users: Sequence[str]) -> None:
        super().__init__(folder, libs, folder / "kafka.log", fast_start=True)
        self.authority = Authority(folder / "certificates")
        self._place, self._users = folder, ["admin", *users]
        self._broker = self.authority.issue("broker", f"IP:{LOOPBACK}")
        kinds = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl", "oauth", "elsewhere")
        self._ports = {kind: free_port() for kind in kinds}
        self._daemon: Daemon | None = None

    def up(self) -> None:
        """Starts it, and waits until it answers."""
        self._daemon = self.start(self._ports["plaintext"], lambda _: None)
        self.wait_ready(self._daemon)

    def down(self) -> None:
        """Stops it."""
        if self._daemon is not None:
            self._daemon.stop(10.0)

    def servers(self, kind: str) -> str:
        """Bootstrap servers of the listener `ssl`, `sasl_ssl` and so on."""
        return f"{LOOPBACK}:{self._ports[kind]}"

    def environment(self, user: str, kind: str = "sasl_ssl") -> dict[str, str]:
        """The settings with which `user` reaches this cluster by SCRAM over TLS."""
        secret = self._place / f"{user}.password"
        secret.write_text(password_of(user) + "\n")
        return {
            "ECHOTUNE_KAFKA": self.servers(kind),
            "ECHOTUNE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "ECHOTUNE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "ECHOTUNE_KAFKA_SASL_USERNAME": user,
            "ECHOTUNE_KAFKA_SASL_PASSWORD_FILE": str(secret),
            "ECHOTUNE_KAFKA_SSL_CA_LOCATION": str(self.authority.certificate),
        }

    def admin(self) -> AdminClient:
        """A client that may do everything."""
        return AdminClient({"bootstrap.servers": self.servers("plaintext"), "log_level": 0})

    def allow(self, rights: Mapping[str, Sequence[tuple[str, str, str]]]) -> None:
        """Grants each user its rights: (TOPIC, GROUP or TRANSACTIONAL_ID, name, operation).

        A name that ends in `*` is a prefix.
        """
        bindings = [_binding(user, *right) for user, each in rights.items() for right in each]
        admin = self.admin()
        for granted in admin.create_acls(bindings).values():
            granted.result(_TIMEOUT_S)

    def denials(self) -> set[tuple[str, str, str]]:
        """Everything that the authorizer has denied so far: (user, operation, resource)."""
        return set(_DENIED.findall(self._log.read_text()))

    # -- how it is configured ------------------------------------------------------------------

    def _options(self) -> list[str]:
        plain = next(each for each in super()._options() if "log4j2" in each).split("=", 1)[1]
        log4j = self._place / "log4j2.properties"
        log4j.write_text(
            (self._folder / plain).read_text()
            + "logger.a.name = kafka.authorizer.logger\nlogger.a.level = INFO\n"
        )
        others = [each for each in super()._options() if "log4j2" not in each]
        return [*others, f"-Dlog4j2.configurationFile={log4j}"]

    def _format_options(self) -> list[str]:
        return [
            option
            for user in self._users
            for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for option in ("--add-scram", f"{kind}=[name={user},password={password_of(user)}]")
        ]

    def _properties(self, port: int, controller_port: int) -> str:
        protocols = {"oauth": "SASL_SSL", "elsewhere": "PLAINTEXT"}
        listeners = {kind.upper(): self.servers(kind) for kind in self._ports}
        named = ",".join(f"{name}://{at}" for name, at in listeners.items())
        of_protocol = [
            f"{kind.upper()}:{protocols.get(kind, kind.upper())}" for kind in self._ports
        ]
        lines = {
            "listeners": f"{named},CONTROLLER://{LOOPBACK}:{controller_port}",
            "advertised.listeners": ",".join(
                f"{name}://{at if name != 'ELSEWHERE' else UNREACHABLE}"
                for name, at in listeners.items()
            ),
            "listener.security.protocol.map": ",".join(["CONTROLLER:PLAINTEXT", *of_protocol]),
            "inter.broker.listener.name": "PLAINTEXT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS;User:admin",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._broker.store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.certificate),
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
            "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
            "listener.name.oauth.oauthbearer.sasl.jaas.config": (
                f"{_KAFKA}.oauthbearer.OAuthBearerLoginModule required;"
            ),
        }
        for kind in ("sasl_ssl", "sasl_plaintext"):
            lines |= self._password_settings(f"listener.name.{kind}")
        plain = super()._properties(port, controller_port)
        return plain + "".join(f"{name}={value}\n" for name, value in lines.items())

    def _password_settings(self, listener: str) -> dict[str, str]:
        users = " ".join(f'user_{user}="{password_of(user)}"' for user in self._users)
        scram = f"{_KAFKA}.scram.ScramLoginModule required;"
        return {
            f"{listener}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            f"{listener}.scram-sha-256.sasl.jaas.config": scram,
            f"{listener}.scram-sha-512.sasl.jaas.config": scram,
            f"{listener}.plain.sasl.jaas.config": (
                f"{_KAFKA}.plain.PlainLoginModule required {users};"
            ),
        }


def password_of(user: str) -> str:
    """The password of a user of `SecureKafka`."""
    return PASSWORD.format(user=user)


def a_token(user: str, lifetime_s: float) -> OAuthToken:
    """A token that the cluster accepts without a signature."""
    now = time.time()
    claims = {"sub": user, "iat": now - 60, "exp": now + lifetime_s}
    parts = [json.dumps(each).encode() for each in ({"alg": "none"}, claims)]
    text = ".".join(urlsafe_b64encode(each).decode().rstrip("=") for each in parts)
    return OAuthToken(f"{text}.", now + lifetime_s)


def _binding(user: str, kind: str, name: str, operation: str) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if name.endswith("*") else ResourcePatternType.LITERAL
    return AclBinding(
        ResourceType[kind],
        name.removesuffix("*"),
        pattern,
        f"User:{user}",
        "*",
        AclOperation[operation],
        AclPermissionType.ALLOW,
    )
