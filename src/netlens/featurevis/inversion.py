"""Caricatures of an image: pictures that exaggerate what each layer of a network sees in it (feature inversion).

A caricature's activations are to point where the image's do, at every position, and as far as they can: their scalar
product is maximised, optionally times a power of their cosine, which keeps the picture closer to the image. Source:
the recipe ``caricature`` (``feature_inversion``) of lucid 0.3.10; Mahendran & Vedaldi 2015 (arXiv 1412.0035) and
Olah, Mordvintsev & Schubert 2017 (Distill) for the inversion of features, and for how pictures are parameterised.

As in lucid, the image runs through the network beside the pictures and through the same random transformations, so
both are always compared at the same place. Unlike there, a cosine is taken at each position, not one of the whole maps,
and it is one: lucid divides by the length of one of the two vectors only.

Pictures of several layers are optimised side by side: each has one layer that counts, and zeros elsewhere add nothing
to its gradient. A graph holds a fixed group of the network's layers and a batch a fixed number of pictures, whatever is
asked for, so the same request gives the same bytes in any company.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.featurevis.caricature_requests import CaricatureRequest
from netlens.featurevis.lucid_model import LucidModel, lucid_model
from netlens.featurevis.optimization import Optimization, TensorOf, transformations
from netlens.featurevis.requests import RequestError
from netlens.featurevis.store import Picture, PictureStore, Progress, in_order, kept_or_made
from netlens.models.backend import tf1
from netlens.models.frozen import FrozenLayer, FrozenNetwork

# Whatever changes a picture below changes CARICATURE_PROCEDURE in caricature_requests.py too: pictures are kept by it.
_LAYERS_COUNT: Final = 8  # in one graph
_BATCH_SIZE: Final = 16  # two pictures of each of its layers
# Coefficients count as frequency^-_DECAY. With lucid's 1, deep layers of small networks give grey, noisy pictures; with
# 2, early layers lose their textures. At lucid's rate, 0.05, low frequencies grow into plain areas.
_DECAY: Final = 1.75
_LEARNING_RATE: Final = 0.03
# Smaller than lucid's: each position is compared with its own, and larger ones blur what is known of the place.
_SCALES: Final = (0.98, 1.0, 1.02)
_DEGREES: Final = (-3, -2, -1, 0, 1, 2, 3)
_LEAST_COSINE: Final = 0.1  # smaller ones count as this much, as in lucid


def caricatures(
    network: FrozenNetwork,
    requests: Sequence[CaricatureRequest],
    store: PictureStore,
    progress: Progress | None = None,
) -> list[Picture]:
    """Give caricatures from a store; what is missing in it is made and put there, batch by batch.

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
    netlens.models.graph.NetworkError, RequestError
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
    netlens.models.graph.NetworkError
        The network has no such layer; the nearest names are told.
    RequestError
        A caricature of the network's input is asked for.
    """
    return in_order(_inverted(network, requests), progress)


def objective(activations: Any, targets: Any, counting: Any, cosine_powers: Any) -> Any:
    """Give what the pictures of a batch maximise at one layer.

    Parameters
    ----------
    activations
        Tensor, (n, height, width, channels) or (n, channels): of the pictures.
    targets
        Tensor of the same shape but for n = 1: of the image.
    counting
        Tensor, (n,): 1 for the pictures that this layer counts for, 0 for the others.
    cosine_powers
        Tensor, (n,), at least 0 each.

    Returns
    -------
    tensor
        The sum over the counting pictures of the mean over positions of a . t max(0.1, cos(a, t))^power, where a is
        the picture's activation there and t the image's. Where one of them is 0, that is 0.
    """
    if activations.shape.rank == 2:
        activations, targets = activations[:, None, None, :], targets[:, None, None, :]
    along = tf1.reduce_sum(activations * targets, -1)
    # The small number within the roots: the slope of a length of 0 is not infinite then.
    lengths = [tf1.sqrt(tf1.reduce_sum(vectors**2, -1) + 1e-8) for vectors in (activations, targets)]
    cosines = tf1.maximum(along / (lengths[0] * lengths[1]), _LEAST_COSINE)
    weighted = along * cosines ** cosine_powers[:, None, None]
    return tf1.reduce_sum(counting * tf1.reduce_mean(weighted, axis=[1, 2]))


def _inverted(network: FrozenNetwork, requests: Sequence[CaricatureRequest]) -> Iterator[dict[int, Picture]]:
    """Make batch after batch; gives pictures by the index of their request."""
    group_of = {layer.name: group for group in _groups(network) for layer in group}
    images: dict[bytes, NDArray[np.uint8]] = {}
    batches: dict[tuple[tuple[str, ...], int, int, bytes], list[int]] = {}
    order = {layer.name: place for place, layer in enumerate(network.layers)}
    for index in sorted(range(len(requests)), key=lambda index: order.get(requests[index].layer, -1)):
        request = requests[index]
        network.layer(request.layer)  # refuses one that there is not
        if request.layer not in group_of:
            raise RequestError(f"layer {request.layer!r} is the image itself, which has no caricature")
        layers = tuple(layer.name for layer in group_of[request.layer])
        pixels = request.image.tobytes()
        images[pixels] = request.image
        batches.setdefault((layers, request.size_px, request.steps_count, pixels), []).append(index)
    model = lucid_model(network)
    built: tuple[tuple[str, ...], int] | None = None
    for (layers, size_px, steps_count, pixels), members in batches.items():
        if built != (layers, size_px):
            program, built = _Program(model, layers, size_px), (layers, size_px)
        for start in range(0, len(members), _BATCH_SIZE):
            batch = members[start : start + _BATCH_SIZE]
            made = program.run([requests[index] for index in batch], images[pixels], steps_count)
            yield dict(zip(batch, made, strict=True))


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
    """The graph that optimises a batch of caricatures of one image at one group of layers."""

    def __init__(self, model: LucidModel, layers: Sequence[str], size_px: int) -> None:
        network = model.network
        self._layers = layers
        without_positions = network.layer(layers[0]).height is None
        self._size_px = size_px
        self._optimization = Optimization(
            model,
            self._maximised,
            count=_BATCH_SIZE,
            size_px=size_px,
            decay_power=_DECAY,
            learning_rate=_LEARNING_RATE,
            transforms=transformations(
                size_px, _SCALES, _DEGREES, network.input_shape[:2] if without_positions else None
            ),
            beside=self._beside,
        )

    def run(self, requests: Sequence[CaricatureRequest], image: NDArray[np.uint8], steps_count: int) -> list[Picture]:
        """Make at most a batch of caricatures."""
        # Places without a request repeat the first one: ordinary work, thrown away.
        filled = [*requests, *[requests[0]] * (_BATCH_SIZE - len(requests))]
        # The image itself is in the last place, and counts for no layer.
        counting = np.zeros((len(self._layers), _BATCH_SIZE + 1), np.float32)
        powers = np.zeros(_BATCH_SIZE + 1, np.float32)
        for place, request in enumerate(filled):
            counting[self._layers.index(request.layer), place] = 1
            powers[place] = request.cosine_power
        fed: dict[Any, NDArray[Any]] = {
            self._counting: counting,
            self._powers: powers,
            self._image: image[None] / np.float32(255),
        }
        return self._optimization.run([request.seed for request in filled], steps_count, fed)[: len(requests)]

    def _beside(self) -> Any:
        self._image = tf1.placeholder(tf1.float32, (1, self._size_px, self._size_px, 3))
        return self._image

    def _maximised(self, tensor_of: TensorOf) -> Any:
        self._counting = tf1.placeholder(tf1.float32, (len(self._layers), _BATCH_SIZE + 1))
        self._powers = tf1.placeholder(tf1.float32, (_BATCH_SIZE + 1,))
        parts = []
        for place, layer in enumerate(self._layers):
            # lucid forgets sizes on the way into the network, the number of pictures sometimes with them.
            activations = tensor_of(layer)
            activations.set_shape([_BATCH_SIZE + 1, *activations.shape.as_list()[1:]])
            # Stopped before it is cut out: a gradient of zeros for all other places would cost as much as a layer.
            targets = tf1.stop_gradient(activations)[_BATCH_SIZE:]
            parts.append(objective(activations, targets, self._counting[place], self._powers))
        return tf1.add_n(parts)
