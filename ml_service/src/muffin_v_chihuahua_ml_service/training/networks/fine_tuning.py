"""The network's top blocks, learnt further from where the probe left them.

Probe first, then fine-tuning, because a random head would bend features that are good already (Kumar et al.
2022, arXiv 2202.10054). Batch normalisation stays as it was learnt on ImageNet. The weights that are kept are
a moving average of those that were passed through, and of that and the weights it began with a mixture, so
that what ImageNet taught is not forgotten (Wortsman et al. 2022, arXiv 2109.01903).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt
from rich.progress import Progress

from .calibration import negative_log_likelihood
from .features import Features
from .head import Head

_BATCH = 256

_WARM_UP = 60
"""Steps in which the learning rate rises, at most one epoch."""

Weights = list[NDArray[np.float32]]


class FineTuning(BaseModel):
    """How the top blocks are learnt; the part of the configuration under ``fine_tuning``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: str = Field(
        default="block10_add", description="Layer whose output is kept on disk; what follows is learnt."
    )
    views: PositiveInt = Field(
        default=8, description="Random views of each training picture, beside the picture as it is."
    )
    epochs: PositiveInt = Field(default=6, description="At most so many times over the training pictures.")
    patience: PositiveInt = Field(
        default=3, description="Epochs without a smaller validation loss before it stops."
    )
    batch: PositiveInt = Field(default=64, description="Pictures a step.")
    learning_rate: PositiveFloat = Field(default=1e-4, description="The largest; it falls along a cosine.")
    weight_decay: NonNegativeFloat = Field(default=1e-4, description="Of AdamW.")
    dropout: float = Field(
        default=0.2, ge=0, lt=1, description="Share of features left out, in training only."
    )
    share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="How much of the fine-tuned weights is mixed with the first ones.",
    )
    averaging: float = Field(default=0.99, ge=0, lt=1, description="Momentum of the weights' moving average.")


@dataclass(frozen=True)
class Labelled:
    """Inputs of the part that is learnt, as views of the same pictures, and what the pictures show."""

    views: Sequence[Features]
    """Each [N, …], in the same order."""
    classes: NDArray[np.int64]
    """[N]"""


@dataclass(frozen=True)
class Epoch:
    """How it went; losses are means of the negative log-likelihood."""

    number: int
    training_loss: float
    validation_loss: float


def trainable_top(backbone: keras.Model, after: str, head: Head, dropout: float) -> keras.Model:
    """What follows the layer ``after``, up to logits, with the head's weights on it.

    It shares its layers with ``backbone``: what is learnt here, is learnt there.

    Raises:
        ValueError: there is no such layer, or another way leads around it.
    """
    features = backbone.output
    logits = keras.layers.Dense(len(head.bias), name="logits")
    x = keras.layers.Dropout(dropout, name="dropout")(features) if dropout else features
    top = keras.Model(backbone.get_layer(after).output, logits(x), name="top")
    logits.set_weights([head.kernel, head.bias])
    for layer in top.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    return top


class Trainer:
    """Fine-tunes a network on views kept on disk; after an interruption it goes on with the next epoch."""

    def __init__(self, network: keras.Model, how: FineTuning, seed: int, checkpoint: Path) -> None:
        """Compile the network.

        Args:
            network: inputs [N, …] to logits [N, labels].
            how: the recipe.
            seed: which views, in which order, and which features are left out.
            checkpoint: the file that everything is kept in after each epoch.
        """
        self._network = network
        self._how = how
        self._seed = seed
        self._checkpoint = checkpoint

    def fit(self, training: Labelled, validation: Labelled) -> list[Epoch]:
        """Learn until the validation loss no longer falls, and leave the mixture with the best average."""
        start = self._network.get_weights()
        steps = -(-len(training.classes) // self._how.batch)
        self._compile(steps)
        history, best = self._resume()
        with Progress(transient=True) as progress:
            shown = progress.add_task("fine-tuning", total=steps * self._how.epochs)
            while len(history) < self._how.epochs and not self._waited_enough(history):
                number = len(history)
                progress.update(shown, completed=number * steps, description=_in_words(history))
                loss = self._epoch(training, steps, number, lambda: progress.advance(shown))
                averaged, validation_loss = self._averaged(validation)
                history.append(Epoch(number, loss, validation_loss))
                if validation_loss <= min(epoch.validation_loss for epoch in history):
                    best = averaged
                self._save(history, best)
        share = self._how.share
        self._network.set_weights([(1 - share) * a + share * b for a, b in zip(start, best, strict=True)])
        return history

    def _compile(self, steps: int) -> None:
        how, network = self._how, self._network
        warm_up = min(_WARM_UP, steps)
        rate = keras.optimizers.schedules.CosineDecay(
            how.learning_rate / 20,
            max(1, steps * how.epochs - warm_up),
            alpha=0.01,
            warmup_target=how.learning_rate,
            warmup_steps=warm_up,
        )
        network.compile(
            keras.optimizers.AdamW(
                rate, weight_decay=how.weight_decay, use_ema=True, ema_momentum=how.averaging
            ),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        self._optimizer.build(network.trainable_variables)

    def _epoch(self, training: Labelled, steps: int, number: int, advance: Callable[[], None]) -> float:
        losses = []
        for batch, classes, weights in self._batches(training, steps, number):
            losses.append(self._network.train_on_batch(batch, classes, weights))
            advance()
        return float(np.mean(losses))

    def _batches(
        self, training: Labelled, steps: int, number: int
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]]:
        """Each picture once, in one of its views; few of a class count as much as many."""
        rng = np.random.default_rng((self._seed, number))
        order = rng.permutation(len(training.classes))
        views = rng.integers(0, len(training.views), len(order))
        weights = class_weights(training.classes)[training.classes]
        for chosen in np.array_split(order, steps):
            pictures = np.stack([training.views[views[index]][index] for index in chosen])
            yield pictures.astype(np.float32), training.classes[chosen], weights[chosen]

    def _averaged(self, validation: Labelled) -> tuple[Weights, float]:
        """The averaged weights and their loss; the network goes on with its own."""
        own = self._network.get_weights()
        self._optimizer.finalize_variable_values(self._network.trainable_variables)
        averaged = self._network.get_weights()
        losses = [
            negative_log_likelihood(logits_of(self._network, view), validation.classes)
            for view in validation.views
        ]
        self._network.set_weights(own)
        return averaged, float(np.mean(losses))

    def _waited_enough(self, history: Sequence[Epoch]) -> bool:
        losses = [epoch.validation_loss for epoch in history]
        return len(losses) - 1 - int(np.argmin(losses)) >= self._how.patience if losses else False

    def _save(self, history: Sequence[Epoch], best: Weights) -> None:
        unfinished = self._checkpoint.with_suffix(".unfinished")
        kept = {
            "best": best,
            "own": _values(self._variables()),
            "optimizer": _values(self._optimizer.variables),
        }
        arrays = {f"{name}/{i}": array for name, state in kept.items() for i, array in enumerate(state)}
        with unfinished.open("wb") as file:
            history_array = np.array([astuple(epoch) for epoch in history])
            np.savez(file, allow_pickle=False, history=history_array, **arrays)
        unfinished.replace(self._checkpoint)

    def _resume(self) -> tuple[list[Epoch], Weights]:
        """What an interrupted training had reached, or a beginning."""
        if not self._checkpoint.is_file():
            return [], self._network.get_weights()
        with np.load(self._checkpoint) as kept:
            history = [Epoch(int(number), *losses) for number, *losses in kept["history"].tolist()]
            states = {
                name: [kept[f"{name}/{i}"] for i in range(sum(key.startswith(f"{name}/") for key in kept))]
                for name in ("best", "own", "optimizer")
            }
        _assign(self._variables(), states["own"])
        _assign(self._optimizer.variables, states["optimizer"])
        return history, states["best"]

    @property
    def _optimizer(self) -> keras.optimizers.Optimizer:
        return self._network.optimizer

    def _variables(self) -> list[keras.Variable]:
        """Weights, and the state of what is left out at random."""
        return [variable for layer in self._network.layers for variable in layer.variables]


def class_weights(classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """A weight [labels] for each class, so that all classes weigh the same together and 1 on average."""
    counts = np.bincount(classes)
    return (len(classes) / (len(counts) * counts)).astype(np.float32)


def logits_of(network: keras.Model, inputs: Features) -> NDArray[np.float32]:
    """What a network answers to inputs [N, …] of any length, in batches."""
    batches = [inputs[start : start + _BATCH] for start in range(0, len(inputs), _BATCH)]
    return np.concatenate(
        [network.predict_on_batch(np.asarray(batch, dtype=np.float32)) for batch in batches]
    )


def _values(variables: Sequence[keras.Variable]) -> Weights:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: Sequence[keras.Variable], values: Weights) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _in_words(history: Sequence[Epoch]) -> str:
    if not history:
        return "fine-tuning"
    return f"fine-tuning, epoch {len(history) + 1}, validation loss {history[-1].validation_loss:.4f}"
