"""Optimise a batch of pictures side by side with lucid: how they are parameterised, transformed and stepped.

Pictures are Fourier coefficients of decorrelated colours. The network sees them through random transformations, the
same sequence for every picture and in every run. What is maximised is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import netlens.featurevis.adapter  # noqa: F401  (first: lucid runs only with it)

# isort: split
import numpy as np
from lucid.optvis import objectives, transform
from lucid.optvis import render as lucid_render
from lucid.optvis.param.color import to_valid_rgb
from lucid.optvis.param.spatial import fft_image
from numpy.typing import NDArray

from netlens.featurevis.lucid_model import LucidModel
from netlens.featurevis.store import Picture
from netlens.models.backend import tf1

# Whatever changes a picture below changes PROCEDURE too, in requests.py and in caricature_requests.py: pictures are
# kept by it.
_NOISE: Final = 0.01  # standard deviation of the coefficients that a picture starts from
_GREY: Final = 0.5

#: Gives a layer's output, by the layer's name.
TensorOf = Callable[[str], Any]


class Optimization:
    """The graph that optimises a batch of pictures.

    Parameters
    ----------
    model
        The network.
    maximised
        Given `TensorOf`, builds what the pictures maximise together: a sum over pictures, of which each term depends
        on one picture only. Placeholders that it makes are fed by `run`.
    count
        Pictures in the batch.
    size_px
        Their height and width.
    decay_power
        Coefficients count as frequency to minus this power.
    learning_rate
        Of Adam, in the parameterisation's units.
    transforms
        lucid's transformations; see `transformations`.
    beside
        Builds images, (m, size, size, 3) of 0 to 1, that the network sees behind the pictures, transformed as they
        are; not optimised.
    """

    def __init__(
        self,
        model: LucidModel,
        maximised: Callable[[TensorOf], Any],
        *,
        count: int,
        size_px: int,
        decay_power: float,
        learning_rate: float,
        transforms: Sequence[Callable[[Any], Any]],
        beside: Callable[[], Any] | None = None,
    ) -> None:
        self._count = count
        # Lucid fills the parameter with numpy's global random numbers, which are nobody's but the caller's.
        numpy_state = np.random.get_state()  # noqa: NPY002
        # The session is for what lucid initialises while it builds.
        with tf1.Graph().as_default() as self._graph, tf1.Session(config=_session_config()):
            shape = (count, size_px, size_px, 3)
            image = to_valid_rgb(fft_image(shape, decay_power=decay_power), decorrelate=True, sigmoid=True)
            (self._coefficients,) = tf1.trainable_variables()
            self._noise = tf1.placeholder(tf1.float32, self._coefficients.shape)
            built = lucid_render.make_vis_T(
                model,
                objectives.Objective(maximised),
                image if beside is None else tf1.concat([image, beside()], axis=0),
                optimizer=tf1.train.AdamOptimizer(learning_rate),
                transforms=list(transforms),
                relu_gradient_override=True,
            )
            self._step, self._image = built("vis_op"), image
            self._start = tf1.group(
                tf1.variables_initializer([v for v in tf1.global_variables() if v is not self._coefficients]),
                self._coefficients.assign(self._noise),
            )
        np.random.set_state(numpy_state)  # noqa: NPY002
        self._graph.finalize()

    def run(self, seeds: Sequence[int], steps_count: int, fed: Mapping[Any, NDArray[Any]]) -> list[Picture]:
        """Optimise a batch, in a session of its own, so that the random transformations start anew.

        Parameters
        ----------
        seeds
            Of the noise that each picture starts from.
        steps_count
            Steps.
        fed
            Values of the placeholders of `maximised` and `beside`.

        Returns
        -------
        list of ndarray
            (size, size, 3) uint8 each.
        """
        noise = np.empty(self._coefficients.shape.as_list(), np.float32)
        for place, seed in zip(range(self._count), seeds, strict=True):
            random = np.random.default_rng(seed)
            noise[:, place] = random.normal(0, _NOISE, (noise.shape[0], *noise.shape[2:]))
        with tf1.Session(graph=self._graph, config=_session_config()) as session:
            session.run(self._start, {self._noise: noise})
            for _ in range(steps_count):
                session.run(self._step, fed)
            images = session.run(self._image)
        return [np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8) for image in images]


def transformations(
    size_px: int, scales: Sequence[float], degrees: Sequence[float], input_size: tuple[int, int] | None = None
) -> list[Callable[[Any], Any]]:
    """Give lucid's standard transformations, in proportion to the picture, each with a seed of its own.

    Parameters
    ----------
    size_px
        Height and width of the pictures.
    scales, degrees
        What is chosen from, at random and evenly.
    input_size
        Height and width that pictures are resized to in the end; None: they keep their size.
    """
    border, shift, last_shift = (max(1, round(size_px * share)) for share in (12 / 128, 8 / 128, 4 / 128))
    steps = [
        transform.pad(border, mode="constant", constant_value=_GREY),
        transform.jitter(shift, seed=1),
        transform.random_scale(scales, seed=2),
        transform.random_rotate(degrees, seed=3),
        transform.jitter(last_shift, seed=4),
        # Always the same size: the network's own where its layers need it, the picture's everywhere else.
        transform.crop_or_pad_to(size_px, size_px),
    ]
    if input_size is not None:
        steps.append(lambda images: tf1.image.resize_bilinear(images, input_size))
    return steps


def _session_config() -> Any:
    return tf1.ConfigProto(gpu_options=tf1.GPUOptions(allow_growth=True))
