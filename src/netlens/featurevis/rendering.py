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

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import netlens.featurevis.adapter  # noqa: F401  (first: lucid runs only with it)

# isort: split
import numpy as np
from lucid.optvis import objectives, objectives_util, transform
from lucid.optvis import render as lucid_render
from lucid.optvis.param.color import to_valid_rgb
from lucid.optvis.param.spatial import fft_image
from numpy.typing import NDArray

from netlens.featurevis.lucid_model import LucidModel, lucid_model
from netlens.featurevis.requests import PictureRequest, Position, RequestError
from netlens.featurevis.store import Picture, PictureStore
from netlens.models.backend import tf1
from netlens.models.frozen import FrozenNetwork

# Whatever changes a picture below changes netlens.featurevis.requests.PROCEDURE too: pictures are kept by it.
_LEARNING_RATE: Final = 0.05
_NOISE: Final = 0.01  # standard deviation of the coefficients that a picture starts from
# Coefficients count as frequency^-_DECAY. With lucid's 1, deep layers of small networks give faint, noisy pictures;
# with 2, plain black and white spots.
_DECAY: Final = 1.5
_SCALES: Final = tuple(1 + step / 50 for step in range(-5, 6))
_DEGREES: Final = (*range(-10, 11), 0, 0, 0, 0, 0)
_GREY: Final = 0.5
_LEAST_COSINE: Final = 0.1  # smaller ones count as this much, as in lucid
_SHORTEST: Final = 1e-6  # what a length of 0 is taken for, where a quotient by it must be 0

#: Is told how many more pictures are there, as ``tqdm.update`` is.
Progress = Callable[[int], object]


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
    found: dict[int, Picture] = {}
    for finished in _rendered(network, requests, batch_size):
        found.update(finished)
        if progress is not None:
            progress(len(finished))
    return [found[index] for index in range(len(requests))]


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
    found = {key: picture for key in dict.fromkeys(keys) if (picture := store.get(key)) is not None}
    missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in found}
    told = progress or (lambda count: None)
    told(sum(key in found for key in keys))
    missing_keys = list(missing)
    for finished in _rendered(network, list(missing.values()), 16):
        for index, picture in finished.items():
            store.put(missing_keys[index], picture)
            found[missing_keys[index]] = picture
            told(keys.count(missing_keys[index]))
    return [found[key] for key in keys]


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
    """The graph that optimises a batch of pictures of one setting and of some layers.

    Each batch runs in a session of its own, so that the random transformations start anew.
    """

    def __init__(self, model: LucidModel, setting: _Setting, layers: Sequence[str], batch_size: int) -> None:
        self._setting, self._batch_size = setting, batch_size
        channels = {layer: model.network.layer(layer).channels for layer in layers}
        # Lucid fills the parameter with numpy's global random numbers, which are nobody's but the caller's.
        numpy_state = np.random.get_state()  # noqa: NPY002
        # The session is for what lucid initialises while it builds.
        with tf1.Graph().as_default() as self._graph, tf1.Session(config=_session_config()):
            self._directions = {
                layer: tf1.placeholder(tf1.float32, (batch_size, count)) for layer, count in channels.items()
            }
            shape = (batch_size, setting.size_px, setting.size_px, 3)
            image = to_valid_rgb(fft_image(shape, decay_power=_DECAY), decorrelate=True, sigmoid=True)
            (self._coefficients,) = tf1.trainable_variables()
            self._noise = tf1.placeholder(tf1.float32, self._coefficients.shape)
            built = lucid_render.make_vis_T(
                model,
                objectives.Objective(self._maximised),
                image,
                optimizer=tf1.train.AdamOptimizer(_LEARNING_RATE),
                transforms=_transforms(model.network, setting),
                relu_gradient_override=True,
            )
            self._step, self._image = built("vis_op"), image
            self._start = tf1.group(
                tf1.variables_initializer([v for v in tf1.global_variables() if v is not self._coefficients]),
                self._coefficients.assign(self._noise),
            )
        np.random.set_state(numpy_state)  # noqa: NPY002
        self._graph.finalize()

    def run(self, requests: Sequence[PictureRequest]) -> list[Picture]:
        """Render at most a batch of requests."""
        noise = np.zeros(self._coefficients.shape.as_list(), np.float32)
        directions = {layer: np.zeros(given.shape, np.float32) for layer, given in self._directions.items()}
        for place in range(self._batch_size):
            # Places without a request repeat the first one: ordinary work, thrown away.
            request = requests[place] if place < len(requests) else requests[0]
            directions[request.layer][place] = request.direction
            random = np.random.default_rng(request.seed)
            noise[:, place] = random.normal(0, _NOISE, (noise.shape[0], *noise.shape[2:]))
        with tf1.Session(graph=self._graph, config=_session_config()) as session:
            session.run(self._start, {self._noise: noise})
            for _ in range(self._setting.steps_count):
                session.run(self._step, {self._directions[layer]: values for layer, values in directions.items()})
            images = session.run(self._image)
        return [_as_picture(image) for image in images[: len(requests)]]

    def _maximised(self, tensor_of: Callable[[str], Any]) -> Any:
        parts = []
        for layer, directions in self._directions.items():
            # lucid forgets sizes on the way into the network, the number of pictures sometimes with them.
            activations = tensor_of(layer)
            activations.set_shape([self._batch_size, *activations.shape.as_list()[1:]])
            parts.append(objective(activations, directions, self._setting.position, self._setting.cosine_power))
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


def _transforms(network: FrozenNetwork, setting: _Setting) -> list[Any]:
    """Give lucid's standard transformations, in proportion to the picture, each with a seed of its own."""
    size = setting.size_px
    border, shift, last_shift = (max(1, round(size * share)) for share in (12 / 128, 8 / 128, 4 / 128))
    steps = [
        transform.pad(border, mode="constant", constant_value=_GREY),
        transform.jitter(shift, seed=1),
        transform.random_scale(_SCALES, seed=2),
        transform.random_rotate(_DEGREES, seed=3),
        transform.jitter(last_shift, seed=4),
        # Always the same size: the network's own where its layers need it, the picture's everywhere else.
        transform.crop_or_pad_to(size, size),
    ]
    if setting.resized:
        steps.append(lambda images: tf1.image.resize_bilinear(images, network.input_shape[:2]))
    return steps


def _session_config() -> Any:
    return tf1.ConfigProto(gpu_options=tf1.GPUOptions(allow_growth=True))


def _as_picture(image: NDArray[np.floating[Any]]) -> Picture:
    picture: Picture = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return picture
