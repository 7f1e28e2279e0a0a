"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360)."""

from typing import Any, Final

from netlens.models.backend import keras

#: Channels of each fire module: squeeze, and each of the two expansions.
FIRES: Final = {
    2: (16, 64),
    3: (16, 64),
    4: (32, 128),
    5: (32, 128),
    6: (48, 192),
    7: (48, 192),
    8: (64, 256),
    9: (64, 256),
}
_POOLED_BEHIND: Final = {3, 5}


def squeezenet(input_shape: tuple[int, int, int], classes: int) -> Any:
    """Build SqueezeNet 1.1.

    Parameters
    ----------
    input_shape
        (height, width, 3); the published network was trained at 227 x 227.
    classes
        Number of outputs.

    Returns
    -------
    keras.Model
        Gives logits: the mean over positions of the last convolution behind its rectifier.
    """
    layers = keras.layers
    image = keras.Input(input_shape, name="input")
    x = layers.Conv2D(64, 3, strides=2, padding="valid", activation="relu", name="conv1")(image)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for number, (squeezed, expanded) in FIRES.items():
        x = _fire(x, squeezed, expanded, f"fire{number}")
        if number in _POOLED_BEHIND:
            x = layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
    x = layers.Conv2D(classes, 1, activation="relu", name="conv10")(x)
    return keras.Model(image, layers.GlobalAveragePooling2D(name="pool10")(x), name="squeezenet")


def _fire(x: Any, squeezed: int, expanded: int, name: str) -> Any:
    """Squeeze by a 1 x 1 convolution, expand by a 1 x 1 and a 3 x 3 convolution side by side."""
    layers = keras.layers
    x = layers.Conv2D(squeezed, 1, activation="relu", name=f"{name}/squeeze1x1")(x)
    branches = [
        layers.Conv2D(expanded, size, padding="same", activation="relu", name=f"{name}/expand{size}x{size}")(x)
        for size in (1, 3)
    ]
    return layers.Concatenate(name=f"{name}/concat")(branches)
