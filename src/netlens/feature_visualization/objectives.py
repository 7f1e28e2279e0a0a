"""What pictures maximize at a layer: the activation along a direction, or the similarity to an image's activations.

Both are a scalar product a . b at each position, optionally times a power of the cosine of a and b. No picture's term
depends on another picture. Cosines of less than 0.1 count as 0.1, as in lucid 0.3.10 (``objectives.direction``).
"""

from __future__ import annotations

from typing import Any, Final

import netlens.feature_visualization.adapter  # noqa: F401  (first: lucid runs only with it)

# isort: split
from lucid.optvis import objectives_util

from netlens.feature_visualization.requests import Position
from netlens.models.backend import tf1

# Whatever changes a picture below must raise PROCEDURE in requests.py and CARICATURE_PROCEDURE in
# caricature_requests.py, which stored pictures depend on.
_LEAST_COSINE: Final = 0.1
_SHORTEST: Final = 1e-6  # replaces a length of 0, so that a quotient by it is 0


def along_directions(
    activations: Any, directions: Any, position: Position = "everywhere", cosine_power: float = 0.0
) -> Any:
    """Return the sum over pictures of their activations along one direction each.

    Parameters
    ----------
    activations
        Tensor, (n, height, width, channels) or (n, channels).
    directions
        Tensor, (n, channels), one direction per picture; a picture with a direction of zeros counts as 0.
    position
        ``everywhere`` or ``centre``.
    cosine_power
        As in `netlens.feature_visualization.requests.PictureRequest`.

    Returns
    -------
    tensor
        The sum over pictures of the mean over positions of a . d max(0.1, cos(a, d))^cosine_power, where a is the
        activation and d the direction.
    """
    count = activations.shape[0]
    activations = _with_positions(activations)
    if position == "centre":
        activations = objectives_util._extract_act_pos(activations)
    directions = directions[:, None, None, :]
    if cosine_power == 0:
        return count * objectives_util._dot_cossim(activations, directions)
    along = tf1.reduce_sum(activations * directions, -1)
    lengths = _lengths(activations) * tf1.norm(directions, axis=-1)
    # A direction's largest entry is 1, so this changes only the length of a direction of zeros.
    weighted = _times_cosine(along, tf1.maximum(lengths, _SHORTEST), cosine_power)
    return count * tf1.reduce_mean(weighted)


def towards_image(activations: Any, targets: Any, counting: Any, cosine_powers: Any) -> Any:
    """Return the sum over pictures of their activations along those of an image at the same positions.

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
        the picture's activation there and t the image's; 0 where one of them is 0.
    """
    activations, targets = _with_positions(activations), _with_positions(targets)
    along = tf1.reduce_sum(activations * targets, -1)
    weighted = _times_cosine(along, _lengths(activations) * _lengths(targets), cosine_powers[:, None, None])
    return tf1.reduce_sum(counting * tf1.reduce_mean(weighted, axis=[1, 2]))


def _with_positions(activations: Any) -> Any:
    return activations[:, None, None, :] if activations.shape.rank == 2 else activations


def _lengths(vectors: Any) -> Any:
    # The small number within the root keeps the slope finite at a length of 0.
    return tf1.sqrt(tf1.reduce_sum(vectors**2, -1) + 1e-8)


def _times_cosine(along: Any, lengths: Any, power: Any) -> Any:
    return along * tf1.maximum(along / lengths, _LEAST_COSINE) ** power
