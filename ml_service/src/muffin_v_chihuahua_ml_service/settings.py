"""What can be set: one frozen object, read from the environment with the prefix ML_SERVICE_."""

import os
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from .cgroups import cpu_quota

EngineChoice = Literal["auto", "litert", "onnxruntime", "openvino", "tensorflow"]
PrecisionChoice = Literal["auto", "f32", "bf16", "int8"]

LogFormat = Literal["auto", "json", "text"]
LogLevel = Literal["debug", "info", "warning", "error"]

DEFAULT_MAX_PIXELS = 50_000_000
DEFAULT_MAX_FRAMES = 1000
DEFAULT_DECODING_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class PictureLimits:
    """The most that a picture may be, by its header: ``memory`` is for all that are decoded at once."""

    pixels: int = DEFAULT_MAX_PIXELS
    frames: int = DEFAULT_MAX_FRAMES
    memory: int = DEFAULT_DECODING_BYTES


DEFAULT_LIMITS = PictureLimits()

_PREFIX = "ML_SERVICE_"

MOST_WORKERS = 4
"""Each holds a model of its own; more than two were never measured, for want of cores."""


def usable_cores(root: Path = Path("/")) -> int:
    """How many cores this process may use at once, which can be fewer than the machine has.

    Args:
        root: where the system's files are, to read a container's quota from.
    """
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota(root)
    return here if quota is None else max(1, min(here, ceil(quota)))


def share_of_cores(workers: int) -> int:
    """How many of the cores one of so many processes gets."""
    return max(1, usable_cores() // workers)


def default_cache() -> Path:
    """The user's folder for what can be fetched again, as the platform has it."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - only where the cache is used

    return user_cache_path("muffin-v-chihuahua-ml-service", appauthor=False)


def default_database() -> SecretStr:
    """A SQLite file in the user's folder for what is to stay, as the platform has it."""
    from platformdirs import user_data_path  # noqa: PLC0415 - only where the database is used

    folder = user_data_path("muffin-v-chihuahua-ml-service", appauthor=False)
    return SecretStr(f"sqlite:///{folder / 'records.db'}")


class Settings(BaseSettings):
    """Settings of the service; each field's description is its line in the README's table."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, env_ignore_empty=True)

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; `0.0.0.0` for all of the machine's."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; `0` takes a free one.")
    workers: PositiveInt = Field(
        default_factory=lambda: min(usable_cores(), MOST_WORKERS),
        description="Processes that answer; each loads the model and gets its share of the cores; unset: one "
        "for each core, but at most 4.",
    )
    model: str | None = Field(
        default=None,
        description="Folder, `.zip`, `.whl` or address (`https://`, `s3://`, `models:/`) of a bundle, or "
        "name of an installed model; `#sha256=…` at its end pins the digest; unset: the only installed one.",
    )
    cache: Path = Field(
        default_factory=default_cache,
        description="Folder for models from archives and addresses; unset: the user's cache folder.",
    )
    engine: EngineChoice = Field(
        default="auto",
        description="`openvino`, `onnxruntime`, `litert`, `tensorflow`, or `auto`: the fastest that is "
        "installed and gets the golden pictures right.",
    )
    precision: PrecisionChoice = Field(
        default="auto",
        description="`f32`, `bf16`, `int8`, or `auto`: the fastest that the processor has and that gets the "
        "golden pictures right.",
    )
    streams: PositiveInt = Field(
        default_factory=lambda others: share_of_cores(others.get("workers", 1)),
        description="Inferences at once; unset: the cores it may use.",
    )
    threads: PositiveInt = Field(default=1, description="Threads for each of these inferences.")
    batch_size: PositiveInt | None = Field(
        default=None, description="Most pictures in one inference; unset: what is fastest with the engine."
    )
    max_picture_bytes: PositiveInt = Field(
        default=10 * 1024**2, description="Largest picture in bytes (413 above)."
    )
    max_picture_pixels: PositiveInt = Field(
        default=DEFAULT_MAX_PIXELS, description="Most pixels of a picture, by its header (422 above)."
    )
    max_picture_frames: PositiveInt = Field(
        default=DEFAULT_MAX_FRAMES,
        description="Most frames of an animation, of which the first counts (422 above).",
    )
    decoding_bytes: PositiveInt = Field(
        default=DEFAULT_DECODING_BYTES,
        description="Memory for decoding large pictures, which wait for it; who needs more alone gets 422.",
    )
    body_timeout_ms: PositiveInt = Field(
        default=30_000, description="Longest that a body may take to arrive, in milliseconds (408 after)."
    )
    max_wait_ms: PositiveInt = Field(
        default=500, description="Longest wait that a picture is let in for, by estimate (429 above)."
    )
    max_held_bytes: PositiveInt = Field(
        default=256 * 1024**2, description="Bytes of all pictures that are held at once (429 above)."
    )
    timeout_ms: PositiveInt = Field(
        default=30_000,
        description="Longest time for a request, whatever its `X-Request-Timeout-Ms` says (504 above).",
    )
    explain_ms: PositiveInt = Field(
        default=2000,
        description="Longest time to explain an answer by hiding parts of the picture, in milliseconds.",
    )
    engine_timeout_ms: PositiveInt = Field(
        default=10_000, description="Longest time for a batch; then the engine is replaced (504)."
    )
    rollback_s: PositiveInt = Field(
        default=600, description="How long the model before a reload is kept, in seconds."
    )
    drain_ms: int = Field(
        default=1000,
        ge=0,
        description="After SIGTERM, how long requests are still taken while the healthcheck answers 503.",
    )
    grace_s: PositiveInt = Field(
        default=30, description="After that, how long what has begun may take, in seconds."
    )
    log_format: LogFormat = Field(
        default="auto", description="`json`, `text`, or `auto`: text on a terminal, JSON anywhere else."
    )
    log_level: LogLevel = Field(
        default="info",
        description="`debug`, `info`, `warning` or `error`; healthchecks that go well are `debug`.",
    )
    admin_key: SecretStr | None = Field(
        default=None,
        description="Key for `POST /admin/reload` and `POST /admin/rollback`; unset: neither is there.",
    )
    database_url: SecretStr = Field(
        default_factory=default_database,
        description="Where predictions and feedback are kept: `sqlite:///` and a file's path, "
        "`postgresql://user:password@host/database` (extra `postgresql`), or `off`; unset: a file in the "
        "user's data folder.",
    )
    keep_pictures: str | None = Field(
        default=None,
        description="Folder or `s3://bucket/prefix` (extra `s3`) to keep the pictures in, too; unset: they "
        "are not kept.",
    )
    keep_days: int = Field(
        default=90,
        ge=0,
        description="Days that predictions, feedback and pictures are kept before they are deleted; `0` "
        "keeps them for ever.",
    )

    @property
    def keeps_records(self) -> bool:
        """Whether predictions and feedback are kept at all."""
        return self.database_url.get_secret_value() != "off"

    @property
    def picture_limits(self) -> PictureLimits:
        """What a picture may be at most."""
        return PictureLimits(self.max_picture_pixels, self.max_picture_frames, self.decoding_bytes)

    @property
    def decoders(self) -> int:
        """How many pictures a process decodes at once."""
        return share_of_cores(self.workers)

    def as_environment(self) -> dict[str, str]:
        """What has been set, as the variables that set it the same in another process."""
        return {
            f"{_PREFIX}{name}".upper(): _plain(getattr(self, name))
            for name in sorted(self.model_fields_set)
            if getattr(self, name) is not None
        }


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
