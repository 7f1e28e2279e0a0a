"""Render pictures of what units, channels and directions answer to, many at a time, with lucid.

Source: Olah, Mordvintsev & Schubert 2017, "Feature Visualization" (Distill). An image is found by gradient ascent on
the activation along a direction. It is parameterised by the Fourier coefficients of decorrelated colours, and seen by
the network through small random shifts, scalings and rotations. Parameterisation, transformations, the gradient of
ReLU in the first steps and the optimiser are lucid's.

What is added is order: pictures of one layer are optimised side by side, without influence on each other, each from
noise of its own seed, and the random transformations are the same sequence for every picture. So the same request
gives the same bytes, in whatever company it is rendered, in this process or another on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
        What to show. Requests that differ only in direction and seed are rendered together. Layers without positions
        (after a global pooling or a flatten) see a picture at the network's own input size.
    batch_size
        Pictures rendered at a time. The last batch of a layer is filled up, since sums may depend on the batch size
        in their last digits.
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

    layer: str
    position: Position
    size_px: int
    steps_count: int
    cosine_power: float


def _rendered(
    network: FrozenNetwork, requests: Sequence[PictureRequest], batch_size: int
) -> Iterator[dict[int, Picture]]:
    """Render batch after batch; gives pictures by the index of their request."""
    if batch_size < 1:
        raise RequestError(f"batch_size is {batch_size}; take at least 1")
    groups: dict[_Setting, list[int]] = {}
    for index, request in enumerate(requests):
        channels = network.layer(request.layer).channels
        if request.direction.size != channels:
            raise RequestError(
                f"picture of layer {request.layer!r}: the direction has {request.direction.size} channels, "
                f"the layer {channels}"
            )
        setting = _Setting(request.layer, request.position, request.size_px, request.steps_count, request.cosine_power)
        groups.setdefault(setting, []).append(index)
    model = lucid_model(network)
    for setting, members in groups.items():
        program = _Program(model, setting, batch_size)
        for start in range(0, len(members), batch_size):
            batch = members[start : start + batch_size]
            yield dict(zip(batch, program.run([requests[index] for index in batch]), strict=True))


class _Program:
    """The graph that optimises a batch of pictures of one setting.

    Each batch runs in a session of its own, so that the random transformations start anew.
    """

    def __init__(self, model: LucidModel, setting: _Setting, batch_size: int) -> None:
        self._setting, self._batch_size = setting, batch_size
        self._channels = model.network.layer(setting.layer).channels
        # Lucid fills the parameter with numpy's global random numbers, which are nobody's but the caller's.
        numpy_state = np.random.get_state()  # noqa: NPY002
        # The session is for what lucid initialises while it builds.
        with tf1.Graph().as_default() as self._graph, tf1.Session(config=_session_config()):
            self._directions = tf1.placeholder(tf1.float32, (batch_size, self._channels))
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
        directions = np.zeros((self._batch_size, self._channels), np.float32)
        for place in range(self._batch_size):
            # Places without a request repeat the first one: ordinary work, thrown away.
            request = requests[place] if place < len(requests) else requests[0]
            directions[place] = request.direction
            random = np.random.default_rng(request.seed)
            noise[:, place] = random.normal(0, _NOISE, (noise.shape[0], *noise.shape[2:]))
        with tf1.Session(graph=self._graph, config=_session_config()) as session:
            session.run(self._start, {self._noise: noise})
            for _ in range(self._setting.steps_count):
                session.run(self._step, {self._directions: directions})
            images = session.run(self._image)
        return [_as_picture(image) for image in images[: len(requests)]]

    def _maximised(self, tensor_of: Callable[[str], Any]) -> Any:
        setting, batch_size = self._setting, self._batch_size
        # lucid forgets sizes on the way into the network, the number of pictures sometimes with them.
        activations = tensor_of(setting.layer)
        activations.set_shape([batch_size, *activations.shape.as_list()[1:]])
        return objective(activations, self._directions, setting.position, setting.cosine_power)


def objective(activations: Any, directions: Any, position: Position = "everywhere", cosine_power: float = 0.0) -> Any:
    """Give what the pictures of a batch maximise.

    Parameters
    ----------
    activations
        Tensor, (n, height, width, channels) or (n, channels).
    directions
        Tensor, (n, channels), one direction a picture.
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
    cosines = tf1.maximum(along / lengths, _LEAST_COSINE)
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
    if network.layer(setting.layer).height is None:
        steps.append(lambda images: tf1.image.resize_bilinear(images, network.input_shape[:2]))
    return steps


def _session_config() -> Any:
    return tf1.ConfigProto(gpu_options=tf1.GPUOptions(allow_growth=True))


def _as_picture(image: NDArray[np.floating[Any]]) -> Picture:
    picture: Picture = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return picture
