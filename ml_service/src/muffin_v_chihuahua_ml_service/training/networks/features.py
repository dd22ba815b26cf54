"""What a frozen network makes of pictures: computed once, kept on disk, learnt from many times."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from ...model.preprocessing import Preprocessing
from ...settings import usable_cores
from ..data.dataset import Sample
from ..data.pictures import training_picture

_BATCH = 64

Features = NDArray[np.float16] | NDArray[np.float32]


class FeatureStore:
    """Features of samples from one network, in a folder that outlives an interrupted training."""

    def __init__(self, network: keras.Model, how: Preprocessing, folder: Path, key: str) -> None:
        """Keep what ``network`` answers in ``folder``.

        Args:
            network: pictures float32 [N, height, width, 3] in [0, 255] to one tensor.
            how: the preprocessing.
            folder: where files of features are kept and found again.
            key: what tells this network and its weights from every other.
        """
        self._network = network
        self._how = how
        self._folder = folder
        self._key = key

    def features(self, samples: Sequence[Sample], view: int | None = None) -> Features:
        """float16 [N, …] of each sample, in order; computed now, or found from an earlier call."""
        path = self._folder / f"{self._name(samples, view)}.npy"
        if not path.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._compute(samples, view, path)
        features: Features = np.load(path, mmap_mode="r")
        return features

    def _name(self, samples: Sequence[Sample], view: int | None) -> str:
        content = [self._key, self._how.model_dump_json(), str(view), *(sample.sha256 for sample in samples)]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()

    def _compute(self, samples: Sequence[Sample], view: int | None, path: Path) -> None:
        unfinished = path.with_suffix(".unfinished")
        shape = (len(samples), *self._network.output_shape[1:])
        features = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.float16, shape=shape)
        shown = f"{len(samples)} pictures" if view is None else f"{len(samples)} pictures, view {view + 1}"
        done = 0
        for batch in track(
            self._batches(samples, view), shown, total=-(-len(samples) // _BATCH), transient=True
        ):
            features[done : done + len(batch)] = self._network.predict_on_batch(batch)
            done += len(batch)
        features.flush()
        unfinished.replace(path)

    def _batches(self, samples: Sequence[Sample], view: int | None) -> Iterator[NDArray[np.float32]]:
        """Arrays [up to 64, height, width, 3]; the next ones are decoded while the network has this one."""
        with ThreadPoolExecutor(usable_cores()) as decoders:
            ahead = None
            for start in range(0, len(samples), _BATCH):
                some = samples[start : start + _BATCH]
                coming = [decoders.submit(self._picture, sample, view) for sample in some]
                if ahead is not None:
                    yield np.stack([picture.result() for picture in ahead])
                ahead = coming
            if ahead is not None:
                yield np.stack([picture.result() for picture in ahead])

    def _picture(self, sample: Sample, view: int | None) -> NDArray[np.float32]:
        return training_picture(sample.path.read_bytes(), self._how, sample.sha256, view)
