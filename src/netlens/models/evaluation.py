"""What a network says of images, and how often that is right."""

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
    """Compute a network's outputs batch by batch, so that images are decoded only when their turn comes.

    Parameters
    ----------
    model
        Keras model.
    images
        n images.
    preprocess
        From uint8 images to the model's inputs.
    batch_size
        Images at once.

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
    """Translate an image set's labels to a network's outputs, by the names of the classes.

    Parameters
    ----------
    labels
        Index into `image_classes`, any shape; -1 stays.
    image_classes
        Names of the image set's classes.
    network_classes
        Names of the network's outputs. Where these are only numbered (``class_0``, ...) and as many, the order of the
        image set is taken.

    Returns
    -------
    ndarray
        int64, shape of `labels`: index into `network_classes`.

    Raises
    ------
    NetworkError
        The network does not know a class.
    """
    numbered = [f"class_{index}" for index in range(len(image_classes))]
    if list(network_classes) == numbered:
        return np.asarray(labels, np.int64)
    places = {name: index for index, name in enumerate(network_classes)}
    for name in image_classes:
        if name not in places:
            raise NetworkError(
                f"the network knows no class {name!r} of the image set; give both the same names with class_names"
            )
    table = np.array([*(places[name] for name in image_classes), -1], np.int64)
    return table[labels]


def accuracy(logits: NDArray[Any], labels: Integers) -> float:
    """Give the share of images whose largest logit is their label's.

    Parameters
    ----------
    logits
        (n, classes).
    labels
        (n,).
    """
    return float(np.mean(logits.argmax(axis=1) == labels))


def scene_recall(logits: NDArray[Any], labels: Integers) -> float:
    """Give the share of the classes in scenes of m classes that are among the m largest logits, over all scenes.

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
