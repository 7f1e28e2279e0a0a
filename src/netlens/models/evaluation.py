"""A network's outputs for images, and how often they are right."""

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


def accuracy(logits: NDArray[Any], labels: Integers) -> float:
    """Share of the images whose largest logit is that of their label, among those that have one.

    Parameters
    ----------
    logits
        (n, classes).
    labels
        (n,): -1 for images whose class is not an output of the network.

    Raises
    ------
    NetworkError
        No image has a label.
    """
    known = labels >= 0
    if not known.any():
        raise NetworkError("none of the images has a class that the network knows, so there is no accuracy")
    return float(np.mean(logits[known].argmax(axis=1) == labels[known]))


def scene_recall(logits: NDArray[Any], labels: Integers) -> float:
    """Share of the classes in scenes of m classes that are among the m largest logits, over all scenes.

    Parameters
    ----------
    logits
        (n, classes).
    labels
        (n, most): the classes of each scene, -1 where it has fewer or the network has no output for one.
    """
    order = np.argsort(-logits, axis=1, kind="stable")
    found = shown = 0
    for ranking, scene in zip(order, labels, strict=True):
        classes = scene[scene >= 0]
        found += int(np.isin(classes, ranking[: len(classes)]).sum())
        shown += len(classes)
    return found / shown
