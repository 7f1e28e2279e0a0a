"""Caricatures of an image: pictures that exaggerate what each layer of a network sees in it (feature inversion).

A caricature's activations are to point where the image's do, at every position, and as far as they can: their scalar
product is maximized, optionally times a power of their cosine, which keeps the picture closer to the image. Source:
the recipe ``caricature`` (``feature_inversion``) of lucid 0.3.10; Mahendran & Vedaldi 2015 (arXiv 1412.0035) and
Olah, Mordvintsev & Schubert 2017 (Distill) for the inversion of features, and for how pictures are parameterised.

As in lucid, the image runs through the network beside the pictures and through the same random transformations, so
both are always compared at the same place. Unlike there, a cosine is taken at each position, not one of the whole maps,
and it is one: lucid divides by the length of one of the two vectors only.

Pictures of several layers are optimized side by side: each has one layer that counts, and zeros elsewhere add nothing
to its gradient. A graph holds a fixed group of the network's layers and a batch a fixed number of pictures, whatever is
asked for, so the same request gives the same bytes in any company.
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
from netlens.models.backend import tf1
from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork

# Whatever changes a picture below changes CARICATURE_PROCEDURE in caricature_requests.py too: pictures are kept by it.
_LAYERS_COUNT: Final = 8  # in one graph
_BATCH_SIZE: Final = 16  # two pictures of each of its layers
_MANNER: Final = Manner(
    # With lucid's 1, deep layers of small networks give grey, noisy pictures; with 2, early layers lose their textures.
    decay_power=1.75,
    # At lucid's rate, 0.05, low frequencies grow into plain areas.
    learning_rate=0.03,
    # Smaller than lucid's: each position is compared with its own, and larger ones blur what is known of the place.
    scales=(0.98, 1.0, 1.02),
    degrees=(-3, -2, -1, 0, 1, 2, 3),
)


def caricatures(
    network: FrozenNetwork,
    requests: Sequence[CaricatureRequest],
    store: PictureStore,
    progress: Progress | None = None,
) -> list[Picture]:
    """Read caricatures from a store; those that are missing in it are made and put there, batch by batch.

    Parameters
    ----------
    network
        The network.
    requests
        What to make; the same request may appear more than once.
    store
        Where pictures are kept.
    progress
        As in `invert`; told of kept pictures first.

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
    """Make caricatures.

    Parameters
    ----------
    network
        The network.
    requests
        What to make. Layers without positions (after a global pooling or a flatten) see pictures and image at the
        network's own input size. At a layer that is silent for the image, the picture stays the noise that it started
        from.
    progress
        Called with the number of pictures that have been finished since, such as ``tqdm(total=...).update``.

    Returns
    -------
    list of ndarray
        (size, size, 3) uint8 each, in the order of the requests.

    Raises
    ------
    netlens.models.errors.NetworkError
        The network has no such layer; the nearest names are told.
    RequestError
        A caricature of the network's input is asked for.
    """
    return in_order(_inverted(network, requests), progress)


@dataclass(frozen=True)
class _Kind:
    """What caricatures that are made together have in common."""

    layers: tuple[str, ...]
    size_px: int


def _inverted(network: FrozenNetwork, requests: Sequence[CaricatureRequest]) -> Iterator[dict[int, Picture]]:
    """Make batch after batch; yields pictures by the index of their request."""
    group_of = {layer.name: group for group in _groups(network) for layer in group}
    alike: dict[tuple[_Kind, int, bytes], list[int]] = {}
    order = {layer.name: place for place, layer in enumerate(network.layers)}
    for index in sorted(range(len(requests)), key=lambda index: order.get(requests[index].layer, -1)):
        request = requests[index]
        network.layer(request.layer)  # refuses one that there is not
        if request.layer not in group_of:
            raise RequestError(f"layer {request.layer!r} is the image itself, which has no caricature")
        kind = _Kind(tuple(layer.name for layer in group_of[request.layer]), request.size_px)
        alike.setdefault((kind, request.steps_count, request.image.tobytes()), []).append(index)
    model = lucid_model(network)
    batches = ((kind, batch) for (kind, *_), indices in alike.items() for batch in dealt(indices, _BATCH_SIZE))
    return made(requests, batches, lambda kind: _Program(model, kind))


def _groups(network: FrozenNetwork) -> list[list[FrozenLayer]]:
    """Deal the network's layers to graphs: in their order, those without positions by themselves."""
    layers = [layer for layer in network.layers if layer.node != network.input_node]
    groups: list[list[FrozenLayer]] = []
    for alike in (
        [layer for layer in layers if layer.height is not None],
        [layer for layer in layers if layer.height is None],
    ):
        groups.extend(alike[start : start + _LAYERS_COUNT] for start in range(0, len(alike), _LAYERS_COUNT))
    return groups


class _Program:
    """The graph that optimizes a batch of caricatures of one image at one group of layers."""

    def __init__(self, model: LucidModel, kind: _Kind) -> None:
        self._kind = kind
        self._optimization = Optimization(
            model,
            _MANNER,
            kind.layers,
            self._objective,
            count=_BATCH_SIZE,
            size_px=kind.size_px,
            beside=self._beside,
        )

    def run(self, requests: Sequence[CaricatureRequest]) -> list[Picture]:
        """Make at most a batch of caricatures, all of the first request's image and with its steps."""
        return self._optimization.run(requests, requests[0].steps_count, self._fed)

    def _beside(self) -> Any:
        layers_count, images_count = len(self._kind.layers), _BATCH_SIZE + 1
        self._counting = tf1.placeholder(tf1.float32, (layers_count, images_count))
        self._powers = tf1.placeholder(tf1.float32, (images_count,))
        self._image = tf1.placeholder(tf1.float32, (1, self._kind.size_px, self._kind.size_px, 3))
        return self._image

    def _objective(self, layer: str, activations: Any) -> Any:
        # Stopped before it is cut out: a gradient of zeros for all other places would cost as much as a layer.
        targets = tf1.stop_gradient(activations)[_BATCH_SIZE:]
        return towards_image(activations, targets, self._counting[self._kind.layers.index(layer)], self._powers)

    def _fed(self, requests: Sequence[CaricatureRequest]) -> dict[Any, NDArray[Any]]:
        # The image itself is in the last place, and counts for no layer.
        counting = np.zeros((len(self._kind.layers), _BATCH_SIZE + 1), np.float32)
        powers = np.zeros(_BATCH_SIZE + 1, np.float32)
        for place, request in enumerate(requests):
            counting[self._kind.layers.index(request.layer), place] = 1
            powers[place] = request.cosine_power
        return {
            self._counting: counting,
            self._powers: powers,
            self._image: requests[0].image[None] / np.float32(255),
        }
