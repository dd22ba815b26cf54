"""What can be set: one frozen object, read from the environment with the prefix ML_SERVICE_."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

EngineChoice = Literal["auto", "litert", "onnxruntime", "tensorflow"]

DEFAULT_MAX_PIXELS = 50_000_000


def usable_cores() -> int:
    """How many cores this process may run on, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_cache() -> Path:
    """The user's folder for what can be fetched again, as the platform has it."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - only where the cache is used

    return user_cache_path("muffin-v-chihuahua-ml-service", appauthor=False)


class Settings(BaseSettings):
    """Settings of the service; each field's description is its line in the README's table."""

    model_config = SettingsConfigDict(env_prefix="ML_SERVICE_", frozen=True, env_ignore_empty=True)

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; `0.0.0.0` for all of the machine's."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; `0` takes a free one.")
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
        description="`litert`, `onnxruntime`, `tensorflow`, or `auto`: the first of them that is installed.",
    )
    threads: PositiveInt = Field(
        default_factory=usable_cores, description="Threads for one inference; unset: the cores it may use."
    )
    max_picture_bytes: PositiveInt = Field(
        default=10 * 1024**2, description="Largest picture in bytes (413 above)."
    )
    max_picture_pixels: PositiveInt = Field(
        default=DEFAULT_MAX_PIXELS, description="Most pixels of a picture, by its header (422 above)."
    )
