"""From pictures on their sides of the split to a calibrated network."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..model.bundle import Calibration
from ..model.preprocessing import Preprocessing
from .config import TrainingConfig
from .data.dataset import Sample, Split, class_indices, fingerprint
from .judging.suspects import Suspect, find_suspects
from .networks.backbone import FEATURES, Backbone, load_backbone
from .networks.calibration import conformal_thresholds, fit_temperature, negative_log_likelihood
from .networks.classifier import Answer, classifier, probabilities
from .networks.familiarity import choose_bank, fit_familiarity
from .networks.features import Features, FeatureStore
from .networks.fine_tuning import FineTuning, Labelled, Trainer, logits_of, trainable_top
from .networks.head import Head, fit_head

PROBE_VIEWS = (None, 0, 1, 2)
"""What the probe learns from: each picture as it is, and three random views of it."""

Sides = Mapping[Split, Sequence[Sample]]


@dataclass(frozen=True)
class Learnt:
    """A network that answers with calibrated probabilities, and how it came to be."""

    model: keras.Model
    preprocessing: Preprocessing
    calibration: Calibration
    account: dict[str, Any]
    """Seed, epochs, loss on the validation side, accuracy of probe and network on the test side."""


class Learner:
    """Learns from the same pictures, with one seed or several; what one computed is there for the next."""

    def __init__(self, config: TrainingConfig, sides: Sides, labels: Sequence[str], work: Path) -> None:
        """Learn as ``config`` says; the folder ``work`` keeps what an interrupted training goes on from."""
        self._config = config
        self._sides = sides
        self._labels = labels
        self._work = work

    def learn(self, seed: int) -> Learnt:
        """Probe, fine-tuning, familiarity and calibration with one seed.

        Raises:
            InvalidConfiguration: the backbone has no layer of a name that the configuration gives.
        """
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        tf.config.experimental.enable_op_determinism()
        pictures = _Pictures(load_backbone(self._config.backbone), self._config.fine_tuning, self._work)
        head = probe = self._probe(pictures)
        account: dict[str, Any] = {
            "seed": seed,
            "probe_accuracy": self._accuracy(pictures, probe),
            "epochs": [],
        }
        if self._config.fine_tuning is not None:
            head = self._fine_tune(pictures, probe, self._config.fine_tuning, account)
        account["validation_loss"] = self._validation_loss(pictures, head)
        account["accuracy"] = self._accuracy(pictures, head)
        answer, calibration = self._calibrate(pictures, head)
        model = classifier(pictures.backbone.network, answer, self._labels)
        return Learnt(model, pictures.backbone.preprocessing, calibration, account)

    def _name(self, pictures: "_Pictures", *recipe: str) -> str:
        """Of a file that holds for this network, these pictures and this recipe only."""
        data = [fingerprint(self._sides[side]) for side in ("train", "validation")]
        return hashlib.sha256("\n".join([pictures.key, *data, *recipe]).encode()).hexdigest()

    def _classes(self, side: Split) -> NDArray[np.int64]:
        return class_indices(self._sides[side], self._labels)

    def _probe(self, pictures: "_Pictures") -> Head:
        """The same for every seed, so it is kept."""
        path = self._work / f"probe-{self._name(pictures)}.npz"
        if not path.is_file():
            features = [pictures.features(self._sides["train"], view) for view in PROBE_VIEWS]
            classes = np.tile(self._classes("train"), len(PROBE_VIEWS))
            head = fit_head(np.concatenate(features), classes)
            np.savez(path, kernel=head.kernel, bias=head.bias)
        with np.load(path) as kept:
            return Head(kept["kernel"], kept["bias"])

    def _fine_tune(
        self, pictures: "_Pictures", probe: Head, how: FineTuning, account: dict[str, Any]
    ) -> Head:
        training = self._labelled(pictures, "train", how.views)
        validation = self._labelled(pictures, "validation", 1)
        top = trainable_top(pictures.backbone.network, how.after, probe, how.dropout)
        name = self._name(pictures, how.model_dump_json(), str(account["seed"]))
        checkpoint = self._work / f"seed-{name}.npz"
        epochs = Trainer(top, how, account["seed"], checkpoint).fit(training, validation)
        account["epochs"] = [asdict(epoch) for epoch in epochs]
        return Head(*top.get_layer("logits").get_weights())

    def _labelled(self, pictures: "_Pictures", side: Split, views: int) -> Labelled:
        inputs = [pictures.inputs(self._sides[side], view) for view in (None, *range(views))]
        return Labelled(inputs, self._classes(side))

    def _accuracy(self, pictures: "_Pictures", head: Head) -> float:
        winners = head.logits(pictures.features(self._sides["test"])).argmax(axis=1)
        return float((winners == self._classes("test")).mean())

    def _validation_loss(self, pictures: "_Pictures", head: Head) -> float:
        logits = head.logits(pictures.features(self._sides["validation"]))
        return float(negative_log_likelihood(logits, self._classes("validation")))

    def _calibrate(self, pictures: "_Pictures", head: Head) -> tuple[Answer, Calibration]:
        """What comes after the head, fitted on the calibration side; the thresholds last."""
        classes, config = self._classes("calibration"), self._config
        features = pictures.features(self._sides["calibration"])
        answer = Answer(head, fit_temperature(head.logits(features), classes))
        if config.bank:
            known = [i for i, label in enumerate(self._labels) if label != config.negative]
            learnt = pictures.features(self._sides["train"])
            bank = choose_bank(learnt, self._classes("train"), known, config.bank, config.seed)
            familiarity = fit_familiarity(features, classes, bank, known, self._labels, config.negative)
            answer = replace(answer, bank=bank, familiarity=familiarity)
        answered = probabilities(features, answer, self._labels)
        return answer, Calibration(
            temperature=answer.temperature,
            coverage=config.coverage,
            thresholds=conformal_thresholds(answered, classes, self._labels, config.coverage),
            familiarity=answer.familiarity,
        )


class _Pictures:
    """What the backbone makes of pictures: the part that stays as it is, on disk, and all of it."""

    def __init__(self, backbone: Backbone, fine_tuning: FineTuning | None, work: Path) -> None:
        after = FEATURES if fine_tuning is None else fine_tuning.after
        frozen = backbone.up_to(after)
        self.backbone = backbone
        self.key = f"{backbone.key}/{after}"
        self._store = FeatureStore(frozen, backbone.preprocessing, work / "features", self.key)
        self._rest = None if fine_tuning is None else keras.Model(frozen.output, backbone.network.output)

    def inputs(self, samples: Sequence[Sample], view: int | None = None) -> Features:
        """float16 [N, …]: what the part that is learnt gets."""
        return self._store.features(samples, view)

    def features(self, samples: Sequence[Sample], view: int | None = None) -> NDArray[np.float32]:
        """float32 [N, channels] as the backbone's weights are now."""
        inputs = self.inputs(samples, view)
        return inputs.astype(np.float32) if self._rest is None else logits_of(self._rest, inputs)


def list_suspects(
    config: TrainingConfig, samples: Sequence[Sample], labels: Sequence[str], work: Path
) -> list[Suspect]:
    """The samples whose label is probably wrong, judged by probes on the configuration's backbone."""
    pictures = _Pictures(load_backbone(config.backbone), None, work)
    return find_suspects([pictures.features(samples, view) for view in PROBE_VIEWS], samples, labels)
