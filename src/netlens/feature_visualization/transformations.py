"""Small random shifts, scalings and rotations through which the network sees pictures.

They make pictures robust: high frequencies that a network reacts to only at one exact place are blurred away (Olah et
al. 2017, "Feature Visualization", Distill, "transformation robustness"). lucid composes the same moves of six
operations; here each step resamples once, bilinearly, by one affine map, which takes half the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import tf1

# Whatever changes a picture below must raise PROCEDURE in requests.py and CARICATURE_PROCEDURE in
# caricature_requests.py, which stored pictures depend on.
_SEED: Final = 1
_GREY: Final = 0.5
# Largest shifts before and after scaling and rotation, as shares of the picture's side: those of lucid.
_SHIFT: Final = 4 / 128
_LAST_SHIFT: Final = 2 / 128


@dataclass(frozen=True)
class Moves:
    """What scalings and rotations are drawn from, each value equally often.

    Attributes
    ----------
    scales
        Factors; above 1, the network sees the picture larger.
    degrees
        Rotations.
    """

    scales: Sequence[float]
    degrees: Sequence[float]


def random_transforms(moves: Moves, size_px: int, count: int) -> NDArray[np.float32]:
    """Return random transformations, the same for every picture and in every run.

    Parameters
    ----------
    moves
        Scalings and rotations.
    size_px
        Side of the pictures.
    count
        Number of transformations.

    Returns
    -------
    ndarray
        float32, (count, 8), in the form that TensorFlow's ``ImageProjectiveTransformV3`` takes: the output at (x, y)
        is read at ``(t0 x + t1 y + t2, t3 x + t4 y + t5)``.
    """
    random = np.random.default_rng(_SEED)
    shifts = random.uniform(-_SHIFT, _SHIFT, (count, 2)) * size_px
    scales = random.choice(np.asarray(moves.scales, np.float64), count)
    angles = np.radians(random.choice(np.asarray(moves.degrees, np.float64), count))
    last_shifts = random.uniform(-_LAST_SHIFT, _LAST_SHIFT, (count, 2)) * size_px
    cosines, sines = np.cos(angles) / scales, np.sin(angles) / scales
    center = (size_px - 1) / 2
    # What is seen at a point lay, about the center, where undoing the last shift, rotation, scaling and shift leads.
    x, y = (-center - last_shifts).T
    columns = [
        cosines, -sines, cosines * x - sines * y + center - shifts[:, 0],
        sines, cosines, sines * x + cosines * y + center - shifts[:, 1],
        np.zeros(count), np.zeros(count),
    ]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32)


def transformed(images: Any, transform: Any, size_px: int) -> Any:
    """Return images as the network sees them after one transformation; gray where nothing of them is seen.

    Parameters
    ----------
    images
        Tensor, (n, size, size, 3), 0 to 1.
    transform
        Tensor, (8,), a row of `random_transforms`.
    size_px
        Their side.

    Returns
    -------
    tensor
        Of the same shape.
    """
    moved = tf1.raw_ops.ImageProjectiveTransformV3(
        images=images - _GREY,
        transforms=transform[None],
        output_shape=[size_px, size_px],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return moved + _GREY
