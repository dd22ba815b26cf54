"""Copies photographs that are near to chihuahuas and muffins: other dogs, other food; none was trained on.

`python models/muffin-v-chihuahua/near_pictures.py PHOTOS OUT`, with PHOTOS as the Makefile has it.
"""

import shutil
import sys
from pathlib import Path

from muffin_v_chihuahua_ml_service.training.data.dataset import read_dataset

DOGS = range(2085620, 2113979)
"""WordNet ids of ILSVRC 2012's dogs, its wild ones included; its food begins with n07."""


def is_near(name: str) -> bool:
    """Whether a picture named like ``n02085620_Chihuahua.jpg`` shows a dog or food."""
    return name.startswith("n07") or int(name[1:9]) in DOGS


def main(photos: Path, out: Path) -> None:
    """Copy those of ``photos/full/other`` that lie on the test side."""
    out.mkdir(parents=True, exist_ok=True)
    samples = read_dataset([photos / "full", photos / "thumbnails"])
    for sample in samples:
        if sample.label == "other" and sample.split == "test" and is_near(sample.path.name):
            shutil.copy(sample.path, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
