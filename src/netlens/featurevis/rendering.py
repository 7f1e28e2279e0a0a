"""Render pictures of what units, channels and directions answer to, many at a time, with lucid.

Source: Olah, Mordvintsev & Schubert 2017, "Feature Visualization" (Distill). An image is found by gradient ascent on
the activation along a direction. It is parameterised by the Fourier coefficients of decorrelated colours, and seen by
the network through small random shifts, scalings and rotations. Parameterisation, transformations, the gradient of
ReLU in the first steps and the optimiser are lucid's.

What is added is order: pictures are optimised side by side, without influence on each other, each from noise of its
own seed, and the random transformations are the same sequence for every picture. So the same request gives the same
bytes, in whatever company it is rendered, in this process or another on the same machine. Pictures of several layers
may share a batch: each has a direction in its own layer and zeros in the others, which add nothing to its gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import netlens.featurevis.adapter  # noqa: F401  (first: lucid runs only with it)

# isort: split
import numpy as np
from lucid.optvis import objectives_util

from netlens.featurevis.lucid_model import LucidModel, lucid_model
from netlens.featurevis.optimization import Optimization, TensorOf, transformations
from netlens.featurevis.requests import PictureRequest, Position, RequestError
from netlens.featurevis.store import Picture, PictureStore, Progress, in_order, kept_or_made
from netlens.models.backend import tf1
from netlens.models.frozen import FrozenNetwork

# Whatever changes a picture below changes netlens.featurevis.requests.PROCEDURE too: pictures are kept by it.
_LEARNING_RATE: Final = 0.05
# Coefficients count as frequency^-_DECAY. With lucid's 1, deep layers of small networks give faint, noisy pictures;
# with 2, plain black and white spots.
_DECAY: Final = 1.5
_SCALES: Final = tuple(1 + step / 50 for step in range(-5, 6))
_DEGREES: Final = (*range(-10, 11), 0, 0, 0, 0, 0)
_LEAST_COSINE: Final = 0.1  # smaller ones count as this much, as in lucid
_SHORTEST: Final = 1e-6  # what a length of 0 is taken for, where a quotient by it must be 0


def render(
    network: FrozenNetwork,
    requests: Sequence[PictureRequest],
    *,
    batch_size: int = 16,
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
    netlens.models.graph.NetworkError
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
    """Give pictures from a store; what is missing in it is rendered and put there, batch by batch.

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
    netlens.models.graph.NetworkError, RequestError
        As `render`.
    """
    keys = [request.key(network.sha256) for request in requests]
    return kept_or_made(
        store, keys, lambda missing: _rendered(network, [requests[index] for index in missing], 16), progress
    )


@dataclass(frozen=True)
class _Setting:
    """What pictures that are rendered together have in common."""

    position: Position
    size_px: int
    steps_count: int
    cosine_power: float
    resized: bool  # to the network's own input size


def _rendered(
    network: FrozenNetwork, requests: Sequence[PictureRequest], batch_size: int
) -> Iterator[dict[int, Picture]]:
    """Render batch after batch; gives pictures by the index of their request."""
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
        resized = layer.height is None and (request.size_px,) * 2 != network.input_shape[:2]
        setting = _Setting(request.position, request.size_px, request.steps_count, request.cosine_power, resized)
        groups.setdefault(setting, {}).setdefault(request.layer, []).append(index)
    model = lucid_model(network)
    place = {layer.name: index for index, layer in enumerate(network.layers)}
    for setting, by_layer in groups.items():
        built: tuple[str, ...] = ()
        for batch in _batches(by_layer, place, batch_size):
            layers = tuple(dict.fromkeys(requests[index].layer for index in batch))
            if layers != built:
                program, built = _Program(model, setting, layers, batch_size), layers
            yield dict(zip(batch, program.run([requests[index] for index in batch]), strict=True))


def _batches(by_layer: Mapping[str, Sequence[int]], place: Mapping[str, int], batch_size: int) -> Iterator[list[int]]:
    """Deal requests to batches: of one layer as far as they fill batches, what is left of the layers together.

    A batch costs what its last layer costs, and its graph is built anew for other layers: so a batch is of one layer
    where it can be, and of few and neighbouring ones where it can't.
    """
    left: list[int] = []
    for layer in sorted(by_layer, key=lambda name: place[name]):
        indices = list(by_layer[layer])
        full = len(indices) // batch_size * batch_size
        yield from (indices[start : start + batch_size] for start in range(0, full, batch_size))
        left.extend(indices[full:])
    yield from (left[start : start + batch_size] for start in range(0, len(left), batch_size))


class _Program:
    """The graph that optimises a batch of pictures of one setting and of some layers."""

    def __init__(self, model: LucidModel, setting: _Setting, layers: Sequence[str], batch_size: int) -> None:
        self._setting, self._batch_size = setting, batch_size
        self._channels = {layer: model.network.layer(layer).channels for layer in layers}
        self._directions: dict[str, Any] = {}
        self._optimization = Optimization(
            model,
            self._maximised,
            count=batch_size,
            size_px=setting.size_px,
            decay_power=_DECAY,
            learning_rate=_LEARNING_RATE,
            transforms=transformations(
                setting.size_px, _SCALES, _DEGREES, model.network.input_shape[:2] if setting.resized else None
            ),
        )

    def run(self, requests: Sequence[PictureRequest]) -> list[Picture]:
        """Render at most a batch of requests."""
        directions = {layer: np.zeros((self._batch_size, count), np.float32) for layer, count in self._channels.items()}
        # Places without a request repeat the first one: ordinary work, thrown away.
        filled = [*requests, *[requests[0]] * (self._batch_size - len(requests))]
        for place, request in enumerate(filled):
            directions[request.layer][place] = request.direction
        fed = {self._directions[layer]: values for layer, values in directions.items()}
        seeds = [request.seed for request in filled]
        return self._optimization.run(seeds, self._setting.steps_count, fed)[: len(requests)]

    def _maximised(self, tensor_of: TensorOf) -> Any:
        parts = []
        for layer, count in self._channels.items():
            self._directions[layer] = tf1.placeholder(tf1.float32, (self._batch_size, count))
            # lucid forgets sizes on the way into the network, the number of pictures sometimes with them.
            activations = tensor_of(layer)
            activations.set_shape([self._batch_size, *activations.shape.as_list()[1:]])
            setting = self._setting
            parts.append(objective(activations, self._directions[layer], setting.position, setting.cosine_power))
        return tf1.add_n(parts)


def objective(activations: Any, directions: Any, position: Position = "everywhere", cosine_power: float = 0.0) -> Any:
    """Give what the pictures of a batch maximise.

    Parameters
    ----------
    activations
        Tensor, (n, height, width, channels) or (n, channels).
    directions
        Tensor, (n, channels), one direction a picture; of one that is 0 everywhere, the picture counts as 0.
    position
        ``everywhere`` or ``centre``.
    cosine_power
        As in `PictureRequest`.

    Returns
    -------
    tensor
        The sum over pictures of the mean over positions, so that no picture depends on how many there are. At one
        position it is a . d max(0.1, cos(a, d))^cosine_power.
    """
    count = activations.shape[0]
    if activations.shape.rank == 2:
        activations = activations[:, None, None, :]
    if position == "centre":
        activations = objectives_util._extract_act_pos(activations)
    directions = directions[:, None, None, :]
    if cosine_power == 0:
        return count * objectives_util._dot_cossim(activations, directions)
    # As lucid's, but for the small number within the root: the slope of a length of 0 is not infinite then.
    along = tf1.reduce_sum(activations * directions, -1)
    lengths = tf1.sqrt(tf1.reduce_sum(activations**2, -1) + 1e-8) * tf1.norm(directions, axis=-1)
    # A direction's largest entry is 1, so only the length of one that is 0 everywhere is changed.
    cosines = tf1.maximum(along / tf1.maximum(lengths, _SHORTEST), _LEAST_COSINE)
    return count * tf1.reduce_mean(along * cosines**cosine_power)
