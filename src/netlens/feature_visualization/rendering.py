"""Render pictures of what units, channels and directions answer to, many at a time, with lucid.

Source: Olah, Mordvintsev & Schubert 2017, "Feature Visualization" (Distill). An image is found by gradient ascent on
the activation along a direction. It is parameterised by the Fourier coefficients of decorrelated colors, and seen by
the network through small random shifts, scalings and rotations. Parameterisation, transformations, the gradient of
ReLU in the first steps and the optimizer are lucid's.

What is added is order: pictures are optimized side by side, without influence on each other, each from noise of its
own seed, and the random transformations are the same sequence for every picture. So the same request gives the same
bytes, in whatever company it is rendered, in this process or another on the same machine. Pictures of several layers
may share a batch: each has a direction in its own layer and zeros in the others, which add nothing to its gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.feature_visualization.batches import dealt, made
from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.lucid_model import LucidModel, lucid_model
from netlens.feature_visualization.objectives import along_directions
from netlens.feature_visualization.optimization import Manner, Optimization, resized_to
from netlens.feature_visualization.requests import PictureRequest, Position
from netlens.feature_visualization.store import Picture, PictureStore, Progress, in_order, kept_or_made
from netlens.models.backend import tf1
from netlens.models.frozen.frozen_network import FrozenNetwork

# Whatever changes a picture below also changes netlens.feature_visualization.requests.PROCEDURE, by which pictures are
# kept.
_MANNER: Final = Manner(
    # With lucid's 1, deep layers of small networks give faint, noisy pictures; with 2, plain black and white spots.
    decay_power=1.5,
    learning_rate=0.05,
    scales=tuple(1 + step / 50 for step in range(-5, 6)),
    degrees=(*range(-10, 11), 0, 0, 0, 0, 0),
)
_BATCH_SIZE: Final = 16


def render(
    network: FrozenNetwork,
    requests: Sequence[PictureRequest],
    *,
    batch_size: int = _BATCH_SIZE,
    progress: Progress | None = None,
) -> list[Picture]:
    """Render pictures.

    Parameters
    ----------
    network
        The network.
    requests
        What to show. Requests that differ only in layer, direction and seed are rendered together. Layers without
        positions (after a global pooling or a flatten) see a picture at the network's own input size.
    batch_size
        Pictures rendered at a time. The last batch is filled up, since sums may depend on the batch size in their last
        digits.
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
        A direction does not have the layer's number of channels, or there is no batch of that size.
    """
    return in_order(_rendered(network, requests, batch_size), progress)


def pictures(
    network: FrozenNetwork,
    requests: Sequence[PictureRequest],
    store: PictureStore,
    progress: Progress | None = None,
) -> list[Picture]:
    """Read pictures from a store; those that are missing in it are rendered and put there, batch by batch.

    Parameters
    ----------
    network
        The network.
    requests
        What to show; the same request may appear more than once.
    store
        Where pictures are kept.
    progress
        As in `render`; told of kept pictures first.

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
    """What pictures that are rendered together have in common.

    `resized`: whether the network sees them at its own input size, which is not theirs.
    """

    position: Position
    size_px: int
    steps_count: int
    cosine_power: float
    resized: bool


def _rendered(
    network: FrozenNetwork, requests: Sequence[PictureRequest], batch_size: int
) -> Iterator[dict[int, Picture]]:
    """Render batch after batch; yields pictures by the index of their request."""
    if batch_size < 1:
        raise RequestError(f"batch_size is {batch_size}; take at least 1")
    groups: dict[_Setting, dict[str, list[int]]] = {}
    for index, request in enumerate(requests):
        layer = network.layer(request.layer)
        if request.direction.size != layer.channels:
            raise RequestError(
                f"picture of layer {request.layer!r}: the direction has {request.direction.size} channels, "
                f"the layer {layer.channels}"
            )
        resized = resized_to(network, [request.layer], request.size_px) is not None
        setting = _Setting(request.position, request.size_px, request.steps_count, request.cosine_power, resized)
        groups.setdefault(setting, {}).setdefault(request.layer, []).append(index)
    model = lucid_model(network)
    place = {layer.name: index for index, layer in enumerate(network.layers)}
    batches = (
        ((setting, tuple(dict.fromkeys(requests[index].layer for index in batch))), batch)
        for setting, by_layer in groups.items()
        for batch in _batches(by_layer, place, batch_size)
    )
    return made(requests, batches, lambda kind: _Program(model, *kind, batch_size))


def _batches(by_layer: Mapping[str, Sequence[int]], place: Mapping[str, int], batch_size: int) -> Iterator[list[int]]:
    """Deal requests to batches: of one layer as far as they fill batches, what is left of the layers together.

    A batch costs what its last layer costs, and its graph is built anew for other layers: so a batch is of one layer
    where it can be, and of few and neighbouring ones where it can't.
    """
    left: list[int] = []
    for layer in sorted(by_layer, key=lambda name: place[name]):
        indices = list(by_layer[layer])
        full = len(indices) // batch_size * batch_size
        yield from dealt(indices[:full], batch_size)
        left.extend(indices[full:])
    yield from dealt(left, batch_size)


class _Program:
    """The graph that optimizes a batch of pictures of one setting and of some layers."""

    def __init__(self, model: LucidModel, setting: _Setting, layers: Sequence[str], batch_size: int) -> None:
        self._setting, self._batch_size = setting, batch_size
        self._channels = {layer: model.network.layer(layer).channels for layer in layers}
        self._directions: dict[str, Any] = {}
        self._optimization = Optimization(
            model, _MANNER, layers, self._objective, count=batch_size, size_px=setting.size_px
        )

    def run(self, requests: Sequence[PictureRequest]) -> list[Picture]:
        """Render at most a batch of requests."""
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
