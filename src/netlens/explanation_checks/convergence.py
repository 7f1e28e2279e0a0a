"""Cosine similarity convergence: how alike relevances become on their way down from a layer.

Source: Sixt, Granz, Landgraf 2020, "When Explanations Lie" (arXiv 1912.09818), section 4.2. At a layer k the relevance
is replaced by random draws, the image staying the same. If the relevances of all draws point in one direction at a
layer l below, whatever is below l does not know what was above k.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from netlens.explanation_checks.choices import CheckError

Float = NDArray[np.float64]

#: Percentiles of the cosines that are kept.
PERCENTILES: Final = (1, 5, 20, 50, 80, 95, 99)

# Cosines are counted in equal steps of their inverse hyperbolic tangent, so that steps are fine where cosines are near
# 1: there a step is 0.2 % of 1 - |cos|, near 0 it is 0.001.
_STEPS: Final = 9000
_END: Final = 9.0


def absolute_cosines(relevance: ArrayLike) -> tuple[Float, int]:
    """Compute the cosines between draws, over the channels of each position.

    Parameters
    ----------
    relevance
        (draws, ..., channels), at least two draws.

    Returns
    -------
    cosines : ndarray
        (pairs, positions), absolute values. Positions at which a draw has no relevance at all are left out.
    left_out : int
        Number of positions that were left out.

    Raises
    ------
    CheckError
        There are fewer than two draws, or a relevance is not finite.
    """
    values = np.asarray(relevance, np.float64)
    if len(values) < 2:
        raise CheckError(f"{len(values)} draw cannot be compared; use two or more")
    values = values.reshape(len(values), -1, values.shape[-1])
    largest = np.abs(values).max(axis=-1, keepdims=True)
    if not np.isfinite(largest).all():
        raise CheckError("a relevance is not finite; the method left the range of floating-point numbers")
    alive = (largest[..., 0] > 0).all(axis=0)
    # Divided by the largest value first: relevances of deep networks leave the range of squares.
    values = values[:, alive] / largest[:, alive]
    values /= np.linalg.norm(values, axis=-1, keepdims=True)
    gram = np.matmul(values.transpose(1, 0, 2), values.transpose(1, 2, 0))
    first, second = np.triu_indices(len(values), k=1)
    return np.minimum(np.abs(gram[:, first, second]).T, 1.0), int((~alive).sum())


def random_baseline(channels: int) -> float:
    """Return the median absolute cosine of random vectors with that many channels.

    The square of the cosine of two directions that are uniform on the sphere has the distribution
    Beta(1/2, (channels - 1) / 2).
    """
    return 1.0 if channels == 1 else float(np.sqrt(beta.ppf(0.5, 0.5, (channels - 1) / 2)))


class CosineCounts:
    """Absolute cosines of many images, counted so that memory does not grow with their number.

    Only the median of each image is kept beside the counts, for intervals.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_STEPS, np.int64)
        self._medians: list[float] = []
        self._left_out = self._positions = 0

    def add(self, relevance: ArrayLike) -> None:
        """Add one image: the relevances of its draws at one layer, (draws, ..., channels)."""
        cosines, left_out = absolute_cosines(relevance)
        with np.errstate(divide="ignore"):
            places = np.minimum(np.arctanh(cosines) / _END * _STEPS, _STEPS - 1).astype(np.int64)
        self._counts += np.bincount(places.ravel(), minlength=_STEPS)
        self._medians.append(float(np.median(cosines)) if cosines.size else np.nan)
        self._left_out += left_out
        self._positions += left_out + cosines.shape[1]

    @property
    def percentiles(self) -> Float:
        """Percentiles `PERCENTILES` over pairs, positions and images, NaN where every position was left out."""
        total = self._counts.sum()
        if not total:
            return np.full(len(PERCENTILES), np.nan)
        ranks = np.searchsorted(np.cumsum(self._counts), np.asarray(PERCENTILES) / 100 * total)
        found: Float = np.tanh((ranks + 0.5) / _STEPS * _END)
        return found

    @property
    def medians(self) -> Float:
        """Median over pairs and positions of each image, (n,); NaN where every position was left out."""
        return np.array(self._medians)

    @property
    def left_out(self) -> float:
        """Share of the positions that were left out, in 0..1."""
        return self._left_out / self._positions if self._positions else 0.0


def draws(shape: Sequence[int], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return `count` relevances drawn from N(0, 1), (count, *shape)."""
    return rng.standard_normal((count, *shape)).astype(np.float32)


def pairs_count(draws_count: int) -> int:
    """Return how many pairs of draws there are."""
    return len(list(combinations(range(draws_count), 2)))


@dataclass(frozen=True)
class Convergence:
    """Cosine similarity convergence of one method, from e layers down to each of l layers.

    Attributes
    ----------
    percentiles
        (e, l, percentiles) of the absolute cosines; NaN where a layer is not below.
    medians
        (e, l, n), the median of each image.
    left_out
        (e, l), share of positions without relevance.
    """

    percentiles: Float
    medians: Float
    left_out: Float


def stacked(counts: Sequence[Sequence[CosineCounts | None]], images_count: int) -> Convergence:
    """Arrange counts by entry and layer as arrays; None where a layer is not below an entry."""
    empty: dict[str, Any] = {
        "percentiles": np.full(len(PERCENTILES), np.nan),
        "medians": np.full(images_count, np.nan),
        "left_out": np.nan,
    }
    return Convergence(
        **{
            name: np.array([[default if each is None else getattr(each, name) for each in row] for row in counts])
            for name, default in empty.items()
        }
    )
