"""Optimizes a batch of pictures side by side with lucid: parametrization, transformations and steps.

Pictures are parametrized by Fourier coefficients of decorrelated colors. The network, cut behind the last layer that
counts, sees them through random transformations, in the same sequence for every picture and every run. The caller
supplies the objective, a sum over some layers. Several layers may share a batch, since a picture gets no gradient from
layers at which it does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import netlens.feature_visualization.adapter  # noqa: F401  (first: lucid runs only with it)

# isort: split
import numpy as np
from lucid.optvis import objectives
from lucid.optvis import render as lucid_render
from lucid.optvis.param.color import to_valid_rgb
from lucid.optvis.param.spatial import fft_image
from numpy.typing import NDArray

from netlens.feature_visualization.keyed_requests import Seeded
from netlens.feature_visualization.lucid_model import LucidModel
from netlens.feature_visualization.rectifier_gradients import starting_gradients
from netlens.feature_visualization.slice_gradients import padding_gradients
from netlens.feature_visualization.store import Picture
from netlens.feature_visualization.transformations import Moves, random_transforms, transformed
from netlens.models.backend import session_config, tf1
from netlens.models.frozen.frozen_network import FrozenNetwork

# Whatever changes a picture below must raise PROCEDURE in requests.py and CARICATURE_PROCEDURE in
# caricature_requests.py, which stored pictures depend on.
_NOISE: Final = 0.01  # standard deviation of the coefficients that a picture starts from

Request = TypeVar("Request", bound=Seeded)


@dataclass(frozen=True)
class Manner:
    """How pictures of one kind are optimized.

    Attributes
    ----------
    decay_power
        Coefficients are scaled by the frequency to minus this power.
    learning_rate
        Of Adam, in units of the parametrization.
    moves
        Random scalings and rotations.
    """

    decay_power: float
    learning_rate: float
    moves: Moves


class Optimization:
    """The graph that optimizes a batch of pictures at some layers.

    Parameters
    ----------
    model
        The network.
    manner
        How pictures are optimized.
    layers
        Names of the layers. Where some have no positions (after a global pooling or a flatten), the network sees
        everything at its own input size.
    objective
        Given a layer's name and its output for all images, builds what the pictures maximize there: a sum over
        pictures, of which each term depends on one picture only. Placeholders that it makes are fed by `run`.
    count
        Pictures in the batch.
    size_px
        Their height and width.
    beside
        Builds one image, (1, size, size, 3) of 0 to 1, that the network sees behind the pictures, transformed as they
        are; not optimized.
    """

    def __init__(
        self,
        model: LucidModel,
        manner: Manner,
        layers: Sequence[str],
        objective: Callable[[str, Any], Any],
        *,
        count: int,
        size_px: int,
        beside: Callable[[], Any] | None = None,
    ) -> None:
        self._count, self._size_px, self._moves = count, size_px, manner.moves
        images_count = count if beside is None else count + 1

        def maximized(tensor_of: Callable[[str], Any]) -> Any:
            parts = []
            for layer in layers:
                activations = tensor_of(layer)
                # lucid loses static sizes on the way into the network, sometimes including the number of pictures.
                activations.set_shape([images_count, *activations.shape.as_list()[1:]])
                parts.append(objective(layer, activations))
            return tf1.add_n(parts)

        # lucid fills the parameter from numpy's global random state, which belongs to the caller.
        numpy_state = np.random.get_state()  # noqa: NPY002
        # lucid initializes some variables while it builds, which needs a session.
        self._graph = tf1.Graph()
        session = tf1.Session(config=session_config(), graph=self._graph)
        with self._graph.as_default(), session, starting_gradients(), padding_gradients():
            self._transform = tf1.placeholder(tf1.float32, (8,))
            shape = (count, size_px, size_px, 3)
            image = to_valid_rgb(fft_image(shape, decay_power=manner.decay_power), decorrelate=True, sigmoid=True)
            (self._coefficients,) = tf1.trainable_variables()
            self._noise = tf1.placeholder(tf1.float32, self._coefficients.shape)
            built = lucid_render.make_vis_T(
                model.behind(layers),
                objectives.Objective(maximized),
                image if beside is None else tf1.concat([image, beside()], axis=0),
                optimizer=tf1.train.AdamOptimizer(manner.learning_rate),
                transforms=self._transformations(resized_to(model.network, layers, size_px)),
            )
            self._step, self._image = built("vis_op"), image
            self._start = tf1.group(
                tf1.variables_initializer([v for v in tf1.global_variables() if v is not self._coefficients]),
                self._coefficients.assign(self._noise),
            )
        np.random.set_state(numpy_state)  # noqa: NPY002
        self._graph.finalize()

    def run(
        self,
        requests: Sequence[Request],
        steps_count: int,
        fed: Callable[[Sequence[Request]], Mapping[Any, NDArray[Any]]],
    ) -> list[Picture]:
        """Return a batch of optimized pictures; a session of its own restarts the random transformations.

        Parameters
        ----------
        requests
            One per picture, at most `count`; their seeds determine the noise that pictures start from.
        steps_count
            Steps of the optimization.
        fed
            Given one request for each of the `count` places, returns the values of the placeholders of `objective`
            and `beside`.

        Returns
        -------
        list of ndarray
            (size, size, 3) uint8 each, in the order of the requests.
        """
        # Places without a request repeat the first one, and their pictures are dropped.
        filled = [*requests, *[requests[0]] * (self._count - len(requests))]
        values = fed(filled)
        noise = np.empty(self._coefficients.shape.as_list(), np.float32)
        for place, request in enumerate(filled):
            random = np.random.default_rng(request.seed)
            noise[:, place] = random.normal(0, _NOISE, (noise.shape[0], *noise.shape[2:]))
        with tf1.Session(graph=self._graph, config=session_config()) as session:
            session.run(self._start, {self._noise: noise})
            for transform in random_transforms(self._moves, self._size_px, steps_count):
                session.run(self._step, {**values, self._transform: transform})
            images = session.run(self._image)
        return [np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8) for image in images[: len(requests)]]

    def _transformations(self, input_size: tuple[int, int] | None) -> list[Callable[[Any], Any]]:
        steps = [lambda images: transformed(images, self._transform, self._size_px)]
        if input_size is not None:
            steps.append(lambda images: tf1.image.resize_bilinear(images, input_size))
        return steps


def resized_to(network: FrozenNetwork, layers: Sequence[str], size_px: int) -> tuple[int, int] | None:
    """Return the height and width that pictures are resized to for some layers; None where they keep their own.

    Layers without positions need the network's own input size.
    """
    own: tuple[int, int] = network.input_shape[:2]
    needed = any(network.layer(layer).height is None for layer in layers)
    return own if needed and own != (size_px, size_px) else None
