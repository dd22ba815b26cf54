"""What `train` can be told, in one YAML file; everything has a default."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from .judging.gate.requirements import Requirements
from .networks.fine_tuning import FineTuning
from .yaml_file import read_yaml


class TrainingConfig(BaseModel):
    """A training's configuration; paths in the file are relative to the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(
        default=None, description="The model's name; unset: that of the folder it is written to."
    )
    version: str = Field(default="0.1.0", description="The model's version.")
    description: str | None = Field(
        default=None, description="What the model is, in a sentence: the card begins with it."
    )
    backbone: str | None = Field(
        default=None,
        description="Keras file or model to start from, with a layer `features`; unset: the installed model.",
    )
    golden: Path | None = Field(
        default=None,
        description="Class folders with pictures that the bundle may carry; unset: a few patterns.",
    )
    corrections: Path | None = Field(
        default=None, description="CSV of labels that are wrong; see `suspects`."
    )
    negative: str | None = Field(
        default=None, description="The class that stands for everything else, if there is one."
    )
    seed: NonNegativeInt = Field(default=0, description="The same seed and data give the same weights.")
    seeds: PositiveInt = Field(
        default=1,
        description="How many seeds, from `seed` on, are tried; the best on the validation side is kept.",
    )
    coverage: float = Field(
        default=0.98, gt=0, lt=1, description="Share of pictures whose true label reaches its threshold."
    )
    bank: NonNegativeInt = Field(
        default=500, description="Training pictures remembered to tell the unfamiliar; `0` for none."
    )
    fine_tuning: FineTuning | None = Field(
        default=FineTuning(), description="How the top blocks are learnt; null stops after the probe."
    )
    between: tuple[str, str] | None = Field(
        default=None, description="Two classes: how often they are told from each other is measured, too."
    )
    outside: tuple[Path, ...] = Field(
        default=(), description="Folders of pictures that show none of the classes, for the card."
    )
    gate: Requirements | None = Field(
        default=None, description="What the model must reach before it is built; null asks for nothing."
    )

    @classmethod
    def read(cls, path: Path | None, **options: Any) -> Self:
        """The file's configuration, with those options in its place that are not None.

        Raises:
            InvalidConfiguration: the file cannot be read, or says something that there is not.
        """
        config = read_yaml(cls, path, **options)
        return config if path is None else config.beside(path.parent)

    def beside(self, folder: Path) -> Self:
        """The same with its paths taken from ``folder``; a backbone that is no file there stays as it is."""
        changes: dict[str, Any] = {
            name: folder / value
            for name in ("golden", "corrections")
            if (value := getattr(self, name)) is not None
        }
        changes["outside"] = tuple(folder / each for each in self.outside)
        if self.backbone is not None and (folder / self.backbone).exists():
            changes["backbone"] = str(folder / self.backbone)
        return self.model_copy(update=changes)
