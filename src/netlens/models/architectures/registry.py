"""The architectures that netlens can build and train, by name.

Each is a function ``f(*, input_shape, classes, seed)`` that gives a Keras model ending in softmax. To add one, write
the function and name it in `ARCHITECTURES` and in `build`.
"""

from typing import Any

from netlens.models.errors import NetworkError

#: Their names; to list them starts no TensorFlow.
ARCHITECTURES = (
    "resnet50", "sixt_cifar10", "small_alexnet", "small_inception", "small_inception_v2", "small_vgg", "vgg16",
)  # fmt: skip


def build(architecture: str, *, input_shape: tuple[int, int, int], classes: int, seed: int) -> Any:
    """Build a network with random weights.

    Parameters
    ----------
    architecture
        One of `ARCHITECTURES`.
    input_shape
        (height, width, channels) in pixels.
    classes
        Number of classes.
    seed
        The same seed gives the same weights.

    Returns
    -------
    keras.Model
        Ends in softmax; trained by `netlens.models.training.train`.

    Raises
    ------
    NetworkError
        There is no such architecture, or it does not take this input.
    """
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise NetworkError(f"no architecture is named {architecture!r}; there are {known}")
    if classes < 2:
        raise NetworkError(f"{architecture} needs at least 2 classes, not {classes}")
    from netlens.models.architectures import alexnet, inception, inception_v2, resnet, sixt_cifar10, vgg

    makers = {
        "resnet50": resnet.resnet50,
        "sixt_cifar10": sixt_cifar10.sixt_cifar10,
        "small_alexnet": alexnet.small_alexnet,
        "small_inception": inception.small_inception,
        "small_inception_v2": inception_v2.small_inception_v2,
        "small_vgg": vgg.small_vgg,
        "vgg16": vgg.vgg16,
    }
    return makers[architecture](input_shape=input_shape, classes=classes, seed=seed)
