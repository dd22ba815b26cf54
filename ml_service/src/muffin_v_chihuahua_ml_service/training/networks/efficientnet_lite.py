"""EfficientNet-Lite0 in Keras: EfficientNet without squeeze-and-excite, with ReLU6 for swish.

Source: M. Tan, Q. Le, "EfficientNet" (arXiv 1905.11946), table 1, and the TensorFlow TPU repository's
``efficientnet/lite`` for what the Lite family changes.
"""

from dataclasses import dataclass

import keras

from ...model.preprocessing import Preprocessing

INPUT_SIZE = 224
"""Side of the square input, in pixels."""

PREPROCESSING = Preprocessing(width=INPUT_SIZE, height=INPUT_SIZE, resize_shorter_side=256)
"""How its pictures were prepared when it learnt ImageNet."""

BATCH_NORM_EPSILON = 1e-3


@dataclass(frozen=True)
class Stage:
    """A run of inverted residual blocks; the stride is its first block's, the others have 1."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(blocks=1, kernel=3, stride=1, expansion=1, channels=16),
    Stage(blocks=2, kernel=3, stride=2, expansion=6, channels=24),
    Stage(blocks=2, kernel=5, stride=2, expansion=6, channels=40),
    Stage(blocks=3, kernel=3, stride=2, expansion=6, channels=80),
    Stage(blocks=3, kernel=5, stride=1, expansion=6, channels=112),
    Stage(blocks=4, kernel=5, stride=2, expansion=6, channels=192),
    Stage(blocks=1, kernel=3, stride=1, expansion=6, channels=320),
)


def efficientnet_lite0() -> keras.Model:
    """The network without a head: float32 [N, 224, 224, 3] in [0, 255] to features float32 [N, 1280].

    The scaling ``(x - 127) / 128`` is its first layer, so that nobody outside has to know of it.
    """
    inputs = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), name="picture")
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="scaling")(inputs)
    x = _convolution(x, "stem", channels=32, kernel=3, stride=2)
    index = 0
    for stage in STAGES:
        for block in range(stage.blocks):
            stride = stage.stride if block == 0 else 1
            x = _inverted_residual(x, f"block{index}", stage, stride)
            index += 1
    x = _convolution(x, "top", channels=1280)
    features = keras.layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(inputs, features, name="efficientnet_lite0")


def _inverted_residual(x: keras.KerasTensor, name: str, stage: Stage, stride: int) -> keras.KerasTensor:
    shortcut, channels = x, x.shape[-1]
    if stage.expansion != 1:
        x = _convolution(x, f"{name}_expand", channels=channels * stage.expansion)
    x = keras.layers.DepthwiseConv2D(
        stage.kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = _normalise(x, f"{name}_depthwise")
    x = _convolution(x, f"{name}_project", channels=stage.channels, activation=False)
    if stride == 1 and channels == stage.channels:
        x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return x


def _convolution(  # noqa: PLR0913 - a convolution has that many properties
    x: keras.KerasTensor,
    name: str,
    *,
    channels: int,
    kernel: int = 1,
    stride: int = 1,
    activation: bool = True,
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=name)(x)
    return _normalise(x, name, activation=activation)


def _normalise(x: keras.KerasTensor, name: str, *, activation: bool = True) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=f"{name}_bn")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu6")(x) if activation else x
