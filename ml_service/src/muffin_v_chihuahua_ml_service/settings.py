"""What can be set: one frozen object, read from the environment with the prefix ML_SERVICE_."""

import os
from typing import Literal

from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

EngineChoice = Literal["auto", "litert", "tensorflow"]

DEFAULT_MAX_PIXELS = 50_000_000


def usable_cores() -> int:
    """How many cores this process may run on, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """Settings of the service; each field's description is its line in the README's table."""

    model_config = SettingsConfigDict(env_prefix="ML_SERVICE_", frozen=True, env_ignore_empty=True)

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; `0.0.0.0` for all of the machine's."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; `0` takes a free one.")
    model: str | None = Field(
        default=None,
        description="Folder of a bundle, or name of an installed model; unset: the only installed model.",
    )
    engine: EngineChoice = Field(
        default="auto", description="`litert`, `tensorflow`, or `auto`: the fastest one that is installed."
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
