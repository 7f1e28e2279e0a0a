"""ResNet-50 (He et al. 2015, arXiv 1512.03385), as ``keras.applications`` builds it."""

from typing import Any

import numpy as np

from netlens.models.architectures.input_shapes import Shape, need_pixels
from netlens.models.backend import keras


def resnet50(*, input_shape: Shape, classes: int, seed: int) -> Any:
    """Build ResNet-50: layers named and shaped as in ``keras.applications``, 25.6 million weights for 1,000 classes.

    Parameters
    ----------
    input_shape
        (height, width, channels) in pixels.
    classes
        Units of the softmax layer ``predictions``.
    seed
        Of the He-normal initial weights (He et al. 2015); biases are zero. The same seed gives the same weights.

    Returns
    -------
    keras.Model

    Raises
    ------
    NetworkError
        The input is smaller than 32 x 32 pixels, the factor by which the network reduces it.
    """
    need_pixels("resnet50", input_shape, 32)
    model = keras.applications.ResNet50(weights=None, input_shape=input_shape, classes=classes)
    rng = np.random.default_rng(seed)
    kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
    # Keras' own initial weights depend on what else the process has built.
    values = []
    for kernel in kernels:
        shape = tuple(kernel.shape)
        values.append(rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[:-1]))))
    keras.backend.batch_set_value(list(zip(kernels, values, strict=True)))
    return model
