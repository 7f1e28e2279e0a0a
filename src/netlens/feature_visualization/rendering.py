"""Renders feature visualizations of units and directions, many at a time, with lucid.

An image is found by gradient ascent on the activation along a direction. It is parametrized by Fourier coefficients of
decorrelated colors, and seen by the network through small random shifts, scalings and rotations. Parametrization,
transformations, the gradient of ReLU in the first steps and the optimizer are those of lucid.

Beyond lucid, results are reproducible: images are optimized side by side without influencing each other, each from
noise of its own seed, and the random transformations are the same sequence for every image. So a request produces the
same bytes whatever it is rendered with, in any process on the same machine. Images of several layers may share a batch:
each has a direction in its own layer and zeros in the others, which add nothing to its gradient. They make it another
program, though, which rounded some values by one level of 255 differently on a CPU without AVX-512.

References
----------
Olah, Mordvintsev and Schubert 2017, "Feature Visualization", Distill.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.feature_visualization.batches import dealt, made
from netlens.feature_visualization.canvas import Canvas, canvases
from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.lucid_model import LucidModel, lucid_model
from netlens.feature_visualization.objectives import along_directions
from netlens.feature_visualization.optimization import Manner, Optimization, resized_to
from netlens.feature_visualization.requests import PictureRequest, Position
from netlens.feature_visualization.store import Picture, PictureStore, Progress, in_order, kept_or_made
from netlens.feature_visualization.transformations import Moves
from netlens.models.backend import tf1
from netlens.models.frozen.frozen_network import FrozenNetwork

# Whatever changes a picture below must raise PROCEDURE in requests.py, which stored pictures depend on.
_MANNER: Final = Manner(
    # With lucid's 1, pictures of deep layers are faint; with 1.5, colors saturate before shapes can be named.
    decay_power=1.2,
    learning_rate=0.05,
    moves=Moves(scales=tuple(1 + step / 50 for step in range(-5, 6)), degrees=(*range(-10, 11), 0, 0, 0, 0, 0)),
)
_BATCH_SIZE: Final = 16


def render(
    network: FrozenNetwork,
    requests: Sequence[PictureRequest],
    *,
    batch_size: int = _BATCH_SIZE,
    progress: Progress | None = None,
) -> list[Picture]:
    """Return rendered feature visualizations.

    Parameters
    ----------
    network
        The network.
    requests
        What to render. Requests that differ only in layer, direction and seed are rendered together. For layers
        without positions (after a global pooling or a flatten), the network sees images at its own input size.
    batch_size
        Images rendered at a time. The last batch is filled up, since the last digits of sums may depend on the batch
        size.
    progress
        Called with the number of images finished since the last call, such as ``tqdm(total=...).update``.

    Returns
    -------
    list of ndarray
        (size, size, 3) uint8 each, in the order of the requests.

    Raises
    ------
    netlens.models.errors.NetworkError
        The network has no such layer; the message gives the nearest names.
    RequestError
        A direction does not have the layer's number of channels, or `batch_size` is less than 1.
    """
    return in_order(_rendered(network, requests, batch_size), progress)


def visualizations(
    network: FrozenNetwork,
    requests: Sequence[PictureRequest],
    store: PictureStore,
    progress: Progress | None = None,
) -> list[Picture]:
    """Return feature visualizations from a store; missing ones are rendered and stored, batch by batch.

    Parameters
    ----------
    network
        The network.
    requests
        What to render; the same request may appear more than once.
    store
        The store.
    progress
        As in `render`; called with the number of stored ones first.

    Returns
    -------
    list of ndarray
        (size, size, 3) uint8 each, in the order of the requests.

    Raises
    ------
    netlens.models.errors.NetworkError, RequestError
        As `render`.
    """
    keys = [request.key(network.sha256) for request in requests]
    return kept_or_made(
        store, keys, lambda missing: _rendered(network, [requests[index] for index in missing], _BATCH_SIZE), progress
    )


@dataclass(frozen=True)
class _Setting:
    """What images that are rendered together have in common.

    `canvas_px`: side of the image that is optimized, which the picture is cut from; `resized`: whether the network sees
    it resized to its own input size.
    """

    position: Position
    canvas_px: int
    steps_count: int
    cosine_power: float
    resized: bool


def _rendered(
    network: FrozenNetwork, requests: Sequence[PictureRequest], batch_size: int
) -> Iterator[dict[int, Picture]]:
    """Yield images batch by batch, by the index of their request."""
    if batch_size < 1:
        raise RequestError(f"batch_size is {batch_size}; use at least 1")
    for request in requests:
        layer = network.layer(request.layer)
        if request.direction.size != layer.channels:
            raise RequestError(
                f"picture of layer {request.layer!r}: the direction has {request.direction.size} channels, "
                f"the layer {layer.channels}"
            )
    places = _canvases(network, requests)
    groups: dict[_Setting, dict[str, list[int]]] = {}
    for index, (request, canvas) in enumerate(zip(requests, places, strict=True)):
        resized = resized_to(network, [request.layer], canvas.side_px) is not None
        setting = _Setting(request.position, canvas.side_px, request.steps_count, request.cosine_power, resized)
        groups.setdefault(setting, {}).setdefault(request.layer, []).append(index)
    model = lucid_model(network)
    place = {layer.name: index for index, layer in enumerate(network.layers)}
    batches = (
        ((setting, tuple(dict.fromkeys(requests[index].layer for index in batch))), batch)
        for setting, by_layer in groups.items()
        for batch in _batches(by_layer, place, batch_size)
    )
    for finished in made(requests, batches, lambda kind: _Program(model, *kind, batch_size)):
        yield {index: places[index].picture(image, requests[index].size_px) for index, image in finished.items()}


def _canvases(network: FrozenNetwork, requests: Sequence[PictureRequest]) -> list[Canvas]:
    """Return the canvas of each request."""
    alike: dict[tuple[Position, int], dict[str, None]] = {}
    for request in requests:
        alike.setdefault((request.position, request.size_px), {})[request.layer] = None
    found = {kind: canvases(network, list(layers), *kind) for kind, layers in alike.items()}
    return [found[request.position, request.size_px][request.layer] for request in requests]


def _batches(by_layer: Mapping[str, Sequence[int]], place: Mapping[str, int], batch_size: int) -> Iterator[list[int]]:
    """Yield batches of request indices: of one layer as far as they fill batches, then the rest of all layers together.

    A batch costs what its last layer costs, and other layers need another graph: so a batch belongs to one layer where
    possible, and otherwise to few, neighboring ones.
    """
    left: list[int] = []
    for layer in sorted(by_layer, key=lambda name: place[name]):
        indices = list(by_layer[layer])
        full = len(indices) // batch_size * batch_size
        yield from dealt(indices[:full], batch_size)
        left.extend(indices[full:])
    yield from dealt(left, batch_size)


class _Program:
    """The graph that optimizes a batch of images of one setting and of some layers."""

    def __init__(self, model: LucidModel, setting: _Setting, layers: Sequence[str], batch_size: int) -> None:
        self._setting, self._batch_size = setting, batch_size
        self._channels = {layer: model.network.layer(layer).channels for layer in layers}
        self._directions: dict[str, Any] = {}
        self._optimization = Optimization(
            model, _MANNER, layers, self._objective, count=batch_size, size_px=setting.canvas_px
        )

    def run(self, requests: Sequence[PictureRequest]) -> list[Picture]:
        """Return the images of at most one batch of requests."""
        return self._optimization.run(requests, self._setting.steps_count, self._fed)

    def _objective(self, layer: str, activations: Any) -> Any:
        self._directions[layer] = tf1.placeholder(tf1.float32, (self._batch_size, self._channels[layer]))
        setting = self._setting
        return along_directions(activations, self._directions[layer], setting.position, setting.cosine_power)

    def _fed(self, requests: Sequence[PictureRequest]) -> dict[Any, NDArray[np.float32]]:
        directions = {layer: np.zeros((len(requests), count), np.float32) for layer, count in self._channels.items()}
        for place, request in enumerate(requests):
            directions[request.layer][place] = request.direction
        return {self._directions[layer]: values for layer, values in directions.items()}
