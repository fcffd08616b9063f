"""All settings of EchoTune, in one class: the only reader of the environment (`ECHOTUNE_*`)."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from streams.recommender_identity import RecommenderIdentity
from topics.errors import SettingsError

_ENVIRONMENT_PREFIX = "ECHOTUNE_"
_SECRET_BYTES_MAX = 64 * 1024
SHARDS_MAX = 1_024


def _without_tilde(path: Path) -> Path:
    """The path with a user's folder instead of `~`, which a shell leaves alone in quotes."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise SettingsError(
            f"{path} begins with the folder of a user who has none here.",
            "Name the folder without a ~.",
        ) from error


UserPath = Annotated[Path, AfterValidator(_without_tilde)]
"""A path that may begin with `~`."""


class SecretFiles(PydanticBaseSettingsSource):
    """Each secret may come from a file: `ECHOTUNE_REDIS_FILE` names one with `ECHOTUNE_REDIS`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The secret in the file that the environment names for this field; None without one."""
        variable = f"{_ENVIRONMENT_PREFIX}{field_name.upper()}"
        path = os.environ.get(f"{variable}_FILE")
        if field.annotation is not SecretStr or not path:
            return None, field_name, False
        if os.environ.get(variable):
            raise SettingsError(
                f"{variable} and {variable}_FILE are both set.", "Keep one of them."
            )
        return _secret_in(_without_tilde(Path(path)), f"{variable}_FILE"), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All secrets that come from files, by the field's name."""
        fields = self.settings_cls.model_fields
        found = {name: self.get_field_value(field, name)[0] for name, field in fields.items()}
        return {name: secret for name, secret in found.items() if secret is not None}


def _secret_in(path: Path, variable: str) -> str:
    """The first line of a file; a secret never ends in the line break that editors append."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            secret = file.read(_SECRET_BYTES_MAX).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SettingsError(
            f"{variable} names {path}, which cannot be read: {why}.",
            "It names a file that holds the secret alone, readable by this user.",
        ) from error
    if not secret:
        raise SettingsError(f"{path}, which {variable} names, is empty.", "Put the secret in it.")
    return secret


class Settings(BaseSettings):
    """Settings and their defaults; an empty address means the embedded server of `home`.

    A variable that is set to nothing is as good as one that is not set.
    """

    model_config = SettingsConfigDict(
        env_prefix=_ENVIRONMENT_PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
    )

    home: UserPath = Field(Path(".echotune"), description="All embedded state, snapshots and logs.")
    prefix: str = Field(
        "",
        pattern=r"^([a-zA-Z0-9][a-zA-Z0-9._-]{0,63})?$",
        description="Begins the names of topics, groups, transactional ids, Redis keys, and of "
        "people's collections.",
    )
    kafka: str = Field("", description="Bootstrap servers, host:port[,host:port].")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = ""
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_sasl_oauthbearer_token_file: UserPath | None = Field(
        None, description="A file with a bearer token; it is read again before the token expires."
    )
    kafka_sasl_oauthbearer_token_endpoint_url: str = Field(
        "", description="Where a token is fetched with the client credentials."
    )
    kafka_sasl_oauthbearer_client_id: str = ""
    kafka_sasl_oauthbearer_client_secret: SecretStr = SecretStr("")
    kafka_sasl_oauthbearer_scope: str = ""
    kafka_ssl_ca_location: UserPath | None = Field(
        None, description="Certificates to trust, PEM; without, those that the machine trusts."
    )
    kafka_ssl_certificate_location: UserPath | None = Field(None, description="Of the client, PEM.")
    kafka_ssl_key_location: UserPath | None = Field(None, description="Of the client, PEM.")
    kafka_ssl_key_password: SecretStr = SecretStr("")
    kafka_ssl_endpoint_identification_algorithm: Literal["https", "none"] = Field(
        "https", description="none: the broker's name is not compared with its certificate."
    )
    redis: SecretStr = Field(
        SecretStr(""), description="URL, redis[s]://[user:password@]host:port/db."
    )
    redis_password: SecretStr = Field(SecretStr(""), description="Instead of one in the URL.")
    redis_ssl_ca_location: UserPath | None = Field(None, description="Certificates to trust, PEM.")
    redis_ssl_certificate_location: UserPath | None = Field(None, description="Of the client, PEM.")
    redis_ssl_key_location: UserPath | None = Field(None, description="Of the client, PEM.")
    mongo: SecretStr = Field(
        SecretStr(""),
        description="URL, mongodb://[user:password@]host:port/[?tls=true&tlsCAFile=PATH].",
    )
    schema_registry: SecretStr = Field(
        SecretStr(""),
        description="URL, http[s]://[user:password@]host:port[/path]; empty: fixed ids.",
    )
    schema_registry_ssl_ca_location: UserPath | None = Field(
        None, description="Certificates to trust, PEM."
    )
    kafka_libs: UserPath | None = Field(
        None, description="Folder of the Kafka jars (default in home)."
    )
    partitions: int = Field(4, ge=1, le=1024, description="Partitions of the spread topics.")
    replication_factor: int = Field(1, ge=1, le=10)

    generation: str = Field("first", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    run_generations_max: int = Field(
        3, ge=1, le=100, description="Generations whose recommenders `echotune run` runs."
    )
    gated: bool = Field(
        False, description="`generations promote` asks every condition of the gate, as --gated."
    )
    who: str = Field("", description="Who changes generations (default: user@host).")
    shard: int = Field(
        0, ge=0, lt=SHARDS_MAX, description="i of the recommender's identity i of M."
    )
    shards: int = Field(
        1, ge=1, le=SHARDS_MAX, description="M of the recommender's identity i of M."
    )
    model: str = Field(
        "fast",
        description="A name of the registry, river:CLASS, FILE.toml, or JSON of such a file.",
    )
    list_length: int = Field(20, ge=1, le=200, description="Tracks in a published list.")
    artist_max: int = Field(0, ge=0, description="Tracks of one artist in a list; 0: any number.")
    new_share_min: float = Field(
        0.0, ge=0.0, le=1.0, description="Share of a list that is new to its listener, at least."
    )
    list_ttl_s: int = Field(
        30 * 24 * 3600, ge=60, description="A list that is not written expires."
    )
    duplicate_window: int = Field(1 << 20, ge=1024, le=1 << 26, description="Events compared.")
    learn_from: int = Field(0, ge=0, description="First log offset whose events are learnt.")
    learn_until: int | None = Field(None, ge=0, description="Last log offset that is folded.")
    client_stamps: str = Field(
        "", description="Which clients stamp what of a play: mopidy=end,rescrobbled=half."
    )

    http_host: str = Field("127.0.0.1", description="Where `echotune serve` listens.")
    http_port: int = Field(0, ge=0, le=65_535, description="0: the port before, or a free one.")
    http_reads_max: int = Field(
        20_000, ge=0, description="HTTP reads of a person within ten seconds; 0: no limit."
    )
    hidden_skips: bool = Field(
        False, description="SKIP events of tracks that give way to others before they count."
    )

    chunk_records_max: int = Field(4_000, ge=1, le=100_000, description="Records per chunk.")
    gather_ms: int = Field(25, ge=0, le=1_000, description="Pacing of a busy worker.")
    chunks_in_flight_max: int = Field(4, ge=1, le=64)
    snapshot_every_s: float = Field(30.0, gt=0)
    snapshots_kept: int = Field(3, ge=2, le=100)
    progress_every_s: float = Field(0.5, gt=0, le=1.0)
    digest_every_records: int = Field(1_000, ge=1)
    session_timeout_s: float = Field(6.0, ge=1, description="Kafka group session timeout.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments come first, then the environment, then the files that it names."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("shards")
    @classmethod
    def _check_shard(cls, shards: int, so_far: ValidationInfo) -> int:
        shard = so_far.data.get("shard", 0)
        if shard >= shards:
            raise ValueError(f"there is no shard {shard} of {shards}; the first one is 0")
        return shards

    @property
    def recommender_id(self) -> str:
        """Identity of this recommender: its Faust app and consumer group."""
        return str(
            RecommenderIdentity.of_generation(
                self.generation, self.shard, self.shards, prefix=self.prefix
            )
        )
