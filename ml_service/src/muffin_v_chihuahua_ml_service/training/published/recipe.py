"""A recipe: which network, whose weights, and what has to be known of them to serve them."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...model.preprocessing import Preprocessing

RECIPE = "recipe.yaml"
"""The file that makes a folder a bundle's source where there is no manifest."""


class Weights(BaseModel):
    """A file that Keras can load weights from, and how it is known again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        min_length=1, description="Address to download it from, or a path relative to the recipe."
    )
    digest: str | None = Field(
        default=None,
        pattern="^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$",
        description="What it must be; an MD5 where nothing better was published. A path can do without.",
    )

    @property
    def is_remote(self) -> bool:
        """Whether the source is an address."""
        return "://" in self.source

    @model_validator(mode="after")
    def _a_download_is_known_again(self) -> Self:
        if self.is_remote and self.digest is None:
            msg = "an address needs a digest"
            raise ValueError(msg)
        return self


class Recipe(BaseModel):
    """``recipe.yaml``; paths in it are relative to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="The model's name.")
    version: str = Field(description="The model's version.")
    description: str = Field(description="What the model is, in a few sentences: the card begins with it.")
    network: str = Field(description="Which network the weights are for.")
    weights: Weights
    preprocessing: Preprocessing
    golden: Path | None = Field(
        default=None,
        description="Class folders with pictures that the bundle may carry; unset: a few patterns.",
    )
