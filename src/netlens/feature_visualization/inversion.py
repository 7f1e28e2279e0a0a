"""Caricatures of an image: pictures that exaggerate what each layer of a network sees in it (feature inversion).

A caricature's activations point as far as possible along those of the image, at every position: their scalar product
is maximized, optionally times a power of their cosine, which keeps the picture closer to the image.

As in lucid's recipe ``caricature``, the image runs through the network beside the pictures and through the same random
transformations, so both are always compared at the same position. Unlike there, the cosine is computed at each position
rather than once for the whole map, and it is a true cosine: lucid divides by the length of only one of the two vectors.

A graph has one layer and a batch a fixed number of pictures, so a request produces the same bytes whatever it is made
with. Several layers in one graph would pay only where most layers of a network are wanted: of deep networks few are,
and the others would be computed in vain.

References
----------
Mahendran and Vedaldi 2015, "Understanding Deep Image Representations by Inverting Them", arXiv 1412.0035.
Olah, Mordvintsev and Schubert 2017, "Feature Visualization", Distill.
The recipe ``caricature`` (``feature_inversion``) of lucid 0.3.10.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.feature_visualization.batches import dealt, made
from netlens.feature_visualization.caricature_requests import CaricatureRequest
from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.lucid_model import LucidModel, lucid_model
from netlens.feature_visualization.objectives import towards_image
from netlens.feature_visualization.optimization import Manner, Optimization
from netlens.feature_visualization.store import Picture, PictureStore, Progress, in_order, kept_or_made
from netlens.feature_visualization.transformations import Moves
from netlens.models.backend import tf1
from netlens.models.frozen.frozen_network import FrozenNetwork

# Whatever changes a picture below must raise CARICATURE_PROCEDURE in caricature_requests.py, which stored pictures
# depend on.
_BATCH_SIZE: Final = 2  # pictures, without and with the cosine
# The image itself is in the last place, and does not count.
_COUNTING: Final = np.array([*[1] * _BATCH_SIZE, 0], np.float32)
_MANNER: Final = Manner(
    # With lucid's 1, deep layers of small networks produce gray, noisy pictures; with 2, early layers lose texture.
    decay_power=1.75,
    # At lucid's rate, 0.05, low frequencies grow into flat areas.
    learning_rate=0.03,
    # Smaller than lucid's: positions are compared one by one, and larger ones would blur where things are.
    moves=Moves(scales=(0.98, 1.0, 1.02), degrees=(-3, -2, -1, 0, 1, 2, 3)),
)


def caricatures(
    network: FrozenNetwork,
    requests: Sequence[CaricatureRequest],
    store: PictureStore,
    progress: Progress | None = None,
) -> list[Picture]:
    """Return caricatures from a store; missing ones are made and stored, batch by batch.

    Parameters
    ----------
    network
        The network.
    requests
        What to make; the same request may appear more than once.
    store
        The store.
    progress
        As in `invert`; called with the number of stored ones first.

    Returns
    -------
    list of ndarray
        (size, size, 3) uint8 each, in the order of the requests.

    Raises
    ------
    netlens.models.errors.NetworkError, RequestError
        As `invert`.
    """
    keys = [request.key(network.sha256) for request in requests]
    return kept_or_made(
        store, keys, lambda missing: _inverted(network, [requests[index] for index in missing]), progress
    )


def invert(
    network: FrozenNetwork, requests: Sequence[CaricatureRequest], *, progress: Progress | None = None
) -> list[Picture]:
    """Return caricatures.

    Parameters
    ----------
    network
        The network.
    requests
        What to make. For layers without positions (after a global pooling or a flatten), the network sees pictures
        and image at its own input size. At a layer that the image does not activate, the picture remains the noise
        that it started from.
    progress
        Called with the number of pictures finished since the last call, such as ``tqdm(total=...).update``.

    Returns
    -------
    list of ndarray
        (size, size, 3) uint8 each, in the order of the requests.

    Raises
    ------
    netlens.models.errors.NetworkError
        The network has no such layer; the message gives the nearest names.
    RequestError
        A caricature of the network's input is requested.
    """
    return in_order(_inverted(network, requests), progress)


@dataclass(frozen=True)
class _Kind:
    """What caricatures that are made together have in common."""

    layer: str
    size_px: int


def _inverted(network: FrozenNetwork, requests: Sequence[CaricatureRequest]) -> Iterator[dict[int, Picture]]:
    """Yield pictures batch by batch, by the index of their request."""
    alike: dict[tuple[_Kind, int, bytes], list[int]] = {}
    order = {layer.name: place for place, layer in enumerate(network.layers)}
    for index in sorted(range(len(requests)), key=lambda index: order.get(requests[index].layer, -1)):
        request = requests[index]
        # Raises an error for a layer that does not exist.
        if network.layer(request.layer).node == network.input_node:
            raise RequestError(f"layer {request.layer!r} is the image itself, which has no caricature")
        kind = _Kind(request.layer, request.size_px)
        alike.setdefault((kind, request.steps_count, request.image.tobytes()), []).append(index)
    model = lucid_model(network)
    batches = ((kind, batch) for (kind, *_), indices in alike.items() for batch in dealt(indices, _BATCH_SIZE))
    return made(requests, batches, lambda kind: _Program(model, kind))


class _Program:
    """The graph that optimizes a batch of caricatures of one image at one layer."""

    def __init__(self, model: LucidModel, kind: _Kind) -> None:
        self._kind = kind
        self._optimization = Optimization(
            model,
            _MANNER,
            [kind.layer],
            self._objective,
            count=_BATCH_SIZE,
            size_px=kind.size_px,
            beside=self._beside,
        )

    def run(self, requests: Sequence[CaricatureRequest]) -> list[Picture]:
        """Return at most one batch of caricatures, all of the first request's image and with its number of steps."""
        return self._optimization.run(requests, requests[0].steps_count, self._fed)

    def _beside(self) -> Any:
        self._powers = tf1.placeholder(tf1.float32, (_BATCH_SIZE + 1,))
        self._image = tf1.placeholder(tf1.float32, (1, self._kind.size_px, self._kind.size_px, 3))
        return self._image

    def _objective(self, _layer: str, activations: Any) -> Any:
        # Stopped before slicing: a gradient of zeros for all other places would cost as much as a layer.
        targets = tf1.stop_gradient(activations)[_BATCH_SIZE:]
        return towards_image(activations, targets, _COUNTING, self._powers)

    def _fed(self, requests: Sequence[CaricatureRequest]) -> dict[Any, NDArray[Any]]:
        powers = np.zeros(_BATCH_SIZE + 1, np.float32)
        powers[:_BATCH_SIZE] = [request.cosine_power for request in requests]
        return {self._powers: powers, self._image: requests[0].image[None] / np.float32(255)}
