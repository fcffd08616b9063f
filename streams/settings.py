"""All settings of EchoTune, in one class: the only reader of the environment (`ECHOTUNE_*`)."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.recommender_identity import RecommenderIdentity


class Settings(BaseSettings):
    """Settings and their defaults; an empty address means the embedded server of `home`."""

    model_config = SettingsConfigDict(
        env_prefix="ECHOTUNE_", extra="ignore", frozen=True, validate_default=True
    )

    home: Path = Field(Path(".echotune"), description="All embedded state, snapshots and logs.")
    kafka: str = Field("", description="Bootstrap servers, host:port[,host:port].")
    redis: SecretStr = Field(SecretStr(""), description="URL, redis://host:port/db.")
    mongo: SecretStr = Field(SecretStr(""), description="URL, mongodb://host:port.")
    schema_registry: SecretStr = Field(
        SecretStr(""),
        description="URL, http[s]://[user:password@]host:port[/path]; empty: fixed ids.",
    )
    kafka_libs: Path | None = Field(None, description="Folder of the Kafka jars (default in home).")
    partitions: int = Field(4, ge=1, le=1024, description="Partitions of the spread topics.")
    replication_factor: int = Field(1, ge=1, le=10)

    generation: str = Field("first", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    shard: int = Field(0, ge=0, le=1023, description="i of the recommender's identity i of M.")
    shards: int = Field(1, ge=1, le=1024, description="M of the recommender's identity i of M.")
    model: str = Field("fast", description="A name of the registry, river:CLASS, FILE.toml.")
    list_length: int = Field(20, ge=1, le=200, description="Tracks in a published list.")
    artist_max: int = Field(0, ge=0, description="Tracks of one artist in a list; 0: any number.")
    new_share_min: float = Field(
        0.0, ge=0.0, le=1.0, description="Share of a list that is new to its listener, at least."
    )
    list_ttl_s: int = Field(
        30 * 24 * 3600, ge=60, description="A list that is not written expires."
    )
    duplicate_window: int = Field(1 << 20, ge=1024, le=1 << 26, description="Events compared.")

    chunk_records_max: int = Field(4_000, ge=1, le=100_000, description="Records per chunk.")
    gather_ms: int = Field(25, ge=0, le=1_000, description="Pacing of a busy worker.")
    chunks_in_flight_max: int = Field(4, ge=1, le=64)
    snapshot_every_s: float = Field(30.0, gt=0)
    snapshots_kept: int = Field(3, ge=2, le=100)
    progress_every_s: float = Field(0.5, gt=0, le=1.0)
    digest_every_records: int = Field(1_000, ge=1)
    session_timeout_s: float = Field(6.0, ge=1, description="Kafka group session timeout.")

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
        return str(RecommenderIdentity.of_generation(self.generation, self.shard, self.shards))
