"""How much is computed where a study does not say: less for larger networks, whose every pass takes longer."""

from typing import Any, Final

from netlens.models.keras.kernel_layers import kernel_layers

# Multiplications of all images together up to which the most are taken; SqueezeNet at 224 pixels has 0.35e9 an image.
_BUDGET: Final = 2e10
_IMAGES: Final = (8, 50)
_SMOOTH_COPIES: Final = (10, 50)


def multiplications(model: Any) -> int:
    """Count the multiplications of one forward pass in the layers with a kernel.

    Parameters
    ----------
    model
        A Keras model of one input.

    Raises
    ------
    netlens.models.errors.NetworkError
        A layer's kernel is of another kind than `netlens.models.keras.kernel_layers` knows.
    """
    total = 0
    for layer in kernel_layers(model):
        shape = model.get_layer(layer.name).output_shape
        positions = shape[1] * shape[2] if layer.kind != "dense" else 1
        total += layer.inputs * layer.units * positions
    return total


def images_count(passes_cost: int) -> int:
    """Return how many images are explained, 8 to 50, for a network of so many multiplications."""
    return _within(_IMAGES, passes_cost)


def smooth_copies_count(passes_cost: int) -> int:
    """Return of how many noisy copies a smoothed map is the mean, 10 to 50, as `images_count`."""
    return _within(_SMOOTH_COPIES, passes_cost)


def _within(limits: tuple[int, int], passes_cost: int) -> int:
    least, most = limits
    return max(least, min(most, round(_BUDGET / max(passes_cost, 1))))
