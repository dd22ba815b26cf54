"""Inception v3 in Keras, as Keras Applications has it, so that the weights published there fit.

Source: C. Szegedy et al., "Rethinking the Inception architecture for computer vision" (arXiv 1512.00567).
"""

import keras

INPUT_SIZE = 299
"""Side of the square input, in pixels."""


def inception_v3() -> keras.Model:
    """The network without a head: float32 [N, 299, 299, 3] in [0, 255] to features float32 [N, 2048].

    The scaling ``x / 127.5 - 1`` is its first layer, so that nobody outside has to know of it.
    """
    picture = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), name="picture")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(picture)
    convolutions = keras.applications.InceptionV3(include_top=False, weights=None, input_tensor=scaled)
    features = keras.layers.GlobalAveragePooling2D(name="features")(convolutions.output)
    return keras.Model(picture, features, name="inception_v3")
