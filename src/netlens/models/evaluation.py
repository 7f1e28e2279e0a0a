"""A network's outputs for images, and how often they are right."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netlens.images.image_set import ImageSet
from netlens.models.errors import NetworkError

Integers = NDArray[np.int64]


class _Preprocess(Protocol):
    def __call__(self, images: NDArray[Any], /) -> NDArray[np.float32]: ...


def predict(model: Any, images: ImageSet, preprocess: _Preprocess, *, batch_size: int = 64) -> NDArray[np.float32]:
    """Outputs of a network, computed batch by batch so that images are decoded only when needed.

    Parameters
    ----------
    model
        Keras model.
    images
        n images.
    preprocess
        From uint8 images to the model's inputs.
    batch_size
        Number of images per batch.

    Returns
    -------
    ndarray
        float32, (n, classes).
    """
    starts = range(0, len(images), batch_size)
    batches = [model.predict_on_batch(preprocess(images.images[start : start + batch_size])) for start in starts]
    outputs: NDArray[np.float32] = np.concatenate(batches).astype(np.float32)
    return outputs


def aligned_labels(labels: Integers, image_classes: Sequence[str], network_classes: Sequence[str]) -> Integers:
    """Labels of an image set as indices of a network's outputs, matched by the names of the classes.

    Parameters
    ----------
    labels
        Index into `image_classes`, any shape; -1 is kept.
    image_classes
        Names of the image set's classes.
    network_classes
        Names of the network's outputs. If they are only numbered (``class_0``, ...) and there are as many as
        `image_classes`, the two are matched by their order.

    Returns
    -------
    ndarray
        int64, in the shape of `labels`: index into `network_classes`.

    Raises
    ------
    NetworkError
        The network has no output for a class.
    """
    numbered = [f"class_{index}" for index in range(len(image_classes))]
    if list(network_classes) == numbered:
        return np.asarray(labels, np.int64)
    places = {name: index for index, name in enumerate(network_classes)}
    for name in image_classes:
        if name not in places:
            raise NetworkError(
                f"the network has no output for the class {name!r} of the image set; "
                "set class_names so that both use the same names"
            )
    table = np.array([*(places[name] for name in image_classes), -1], np.int64)
    return table[labels]


def accuracy(logits: NDArray[Any], labels: Integers) -> float:
    """Share of the images whose largest logit is that of their label.

    Parameters
    ----------
    logits
        (n, classes).
    labels
        (n,).
    """
    return float(np.mean(logits.argmax(axis=1) == labels))


def scene_recall(logits: NDArray[Any], labels: Integers) -> float:
    """Share of the classes in scenes of m classes that are among the m largest logits, over all scenes.

    Parameters
    ----------
    logits
        (n, classes).
    labels
        (n, most): the classes of each scene, -1 where it has fewer.
    """
    order = np.argsort(-logits, axis=1, kind="stable")
    found = shown = 0
    for ranking, scene in zip(order, labels, strict=True):
        classes = scene[scene >= 0]
        found += int(np.isin(classes, ranking[: len(classes)]).sum())
        shown += len(classes)
    return found / shown
