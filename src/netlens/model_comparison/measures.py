"""Similarity of layers by three measures, computed from second moments alone.

With C(a, b) the covariance of two layers over the same images:

- `Whitened`: the sum of the singular values of ``L_a' C(a, b) L_b`` over the larger number of channels, where
  ``L L' = inv C`` for each layer (`netlens.model_comparison.whitening`), after lucid's early model-comparison
  experiments. The singular values are the cosines between the two function spaces that the layers span, which are
  their canonical correlations if activations are centered. Without a ridge the measure is invariant to invertible
  linear maps of a layer's channels. The ridge of singular or nearly singular layers ends that: it is a fraction of the
  mean eigenvalue, so a map that shrinks a direction below it takes that direction out of the comparison.
- `LinearCKA`: ``|C(a, b)|^2 / (|C(a, a)| |C(b, b)|)``, centered, in Frobenius norms (Kornblith et al. 2019, section 3).
  It is invariant to rotations and to a common scale of all channels; directions with more variance count more.
- `SVCCA`: the mean canonical correlation between the fewest leading directions that explain a given fraction of each
  layer's variance, centered (Raghu et al. 2017, section 2), as a mean over the smaller number of directions. With all
  of the variance it is invariant to invertible linear maps; with less, only to the same maps as CKA, since which
  directions lead depends on their scale.

All values lie between 0 and 1 up to rounding. A layer that does not vary has similarity 0 to every layer.

A measure first prepares each layer of a network by itself and then compares pairs, so what a layer needs is computed
once, however many layers it is compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.second_moments import SecondMoments
from netlens.model_comparison.threads import mapped
from netlens.model_comparison.whitening import Whitening, leading, whitening

Float = NDArray[np.float64]
Prepared = TypeVar("Prepared")

_EPS: Final = float(np.finfo(np.float64).eps)
# Largest allowed bound on the error of the mean singular value when it is computed from squares.
_SQUARED: Final = 1e-9


class Measure(Protocol[Prepared]):
    """A similarity measure of layers."""

    def prepare(self, own: SecondMoments, layer: str) -> Prepared:
        """Compute what the measure needs of one layer, from the second moments of its network with itself."""

    def compare(self, cross: SecondMoments, pair: tuple[str, str], first: Prepared, second: Prepared) -> float:
        """Compute the similarity of two prepared layers."""


@dataclass(frozen=True)
class Whitened:
    """Sum of the singular values of the whitened covariance over the larger number of channels.

    Attributes
    ----------
    centred
        Whether to subtract means.
    ridge
        Fraction of the mean eigenvalue that is added if a covariance is singular or nearly so
        (`netlens.model_comparison.whitening.whitening`).
    """

    centred: bool = False
    ridge: float = 1e-6

    def prepare(self, own: SecondMoments, layer: str) -> Whitening:
        """Compute the whitening of one layer."""
        covariance = own.covariance(layer, layer, centred=self.centred)
        return whitening(covariance, ridge=self.ridge, rounding=_rounding(own, layer))

    def compare(self, cross: SecondMoments, pair: tuple[str, str], first: Whitening, second: Whitening) -> float:
        """Compute the similarity of two whitened layers."""
        whitened = _whitened(cross.covariance(*pair, centred=self.centred), first, second)
        return nuclear_norm(whitened) / max(first.channels, second.channels)


@dataclass(frozen=True)
class LinearCKA:
    """Linear centered kernel alignment (Kornblith et al. 2019)."""

    def prepare(self, own: SecondMoments, layer: str) -> float:
        """Compute the Frobenius norm of the layer's covariance; 0 if it is only rounding."""
        covariance = own.covariance(layer, layer, centred=True)
        norm = float(np.linalg.norm(covariance))
        return norm if norm > len(covariance) * _rounding(own, layer) else 0.0

    def compare(self, cross: SecondMoments, pair: tuple[str, str], first: float, second: float) -> float:
        """Compute the similarity of two prepared layers."""
        if not first or not second:
            return 0.0
        # Divided before squaring, so that very large and very small activations neither overflow nor underflow.
        covariance = cross.covariance(*pair, centred=True) / np.sqrt(first) / np.sqrt(second)
        return float(np.sum(covariance**2))


@dataclass(frozen=True)
class SVCCA:
    """Singular vector canonical correlation (Raghu et al. 2017).

    Attributes
    ----------
    variance
        Fraction of each layer's variance that the kept directions explain.
    """

    variance: float = 0.99

    def prepare(self, own: SecondMoments, layer: str) -> Whitening:
        """Compute the leading directions of one layer."""
        covariance = own.covariance(layer, layer, centred=True)
        return leading(covariance, self.variance, rounding=_rounding(own, layer))

    def compare(self, cross: SecondMoments, pair: tuple[str, str], first: Whitening, second: Whitening) -> float:
        """Compute the similarity of two prepared layers."""
        fewest = min(first.rank, second.rank)
        return nuclear_norm(_whitened(cross.covariance(*pair, centred=True), first, second)) / fewest if fewest else 0.0


def prepared(measure: Measure[Prepared], own: SecondMoments) -> dict[str, Prepared]:
    """Prepare all layers of a network.

    Parameters
    ----------
    measure
        `Whitened`, `LinearCKA` or `SVCCA`.
    own
        Second moments of the network with itself.

    Returns
    -------
    dict
        By layer, in network order.

    Raises
    ------
    ComparisonError
        A layer's array is not a covariance; the message names the layer.
    """

    def one(layer: str) -> Prepared:
        try:
            return measure.prepare(own, layer)
        except ComparisonError as error:
            raise ComparisonError(f"layer {layer!r}: {error}") from error

    return dict(zip(own.first_layers, mapped(one, own.first_layers), strict=True))


def similarity_matrix(
    measure: Measure[Prepared], cross: SecondMoments, first: Mapping[str, Prepared], second: Mapping[str, Prepared]
) -> Float:
    """Compute the similarity of all pairs of layers of two networks, or of one with itself.

    Parameters
    ----------
    measure
        The measure that prepared the layers.
    cross
        Second moments of the first network with the second.
    first, second
        Their layers, as returned by `prepared`; the same object twice for a network with itself.

    Returns
    -------
    ndarray
        (layers of the first, layers of the second) float64.

    Raises
    ------
    ComparisonError
        A layer was not prepared, or it was prepared from activations of another size.
    """
    rows, columns = cross.first_layers, cross.second_layers
    for layers, known, which in ((rows, first, "first"), (columns, second, "second")):
        if missing := [layer for layer in layers if layer not in known]:
            raise ComparisonError(
                f"{which} network: layer {missing[0]!r} was not prepared; prepare it from its own second moments"
            )
    half = cross.symmetric and first is second
    places = [(i, j) for i, j in product(range(len(rows)), range(len(columns))) if not half or i <= j]

    def one(place: tuple[int, int]) -> float:
        a, b = rows[place[0]], columns[place[1]]
        return measure.compare(cross, (a, b), first[a], second[b])

    matrix = np.empty((len(rows), len(columns)))
    # The largest first, so that no thread is left with a large one at the end.
    places.sort(key=lambda place: -cross.first_sums[place[0]].size * cross.second_sums[place[1]].size)
    for (i, j), value in zip(places, mapped(one, places), strict=True):
        matrix[i, j] = value
        if half:
            matrix[j, i] = value
    return matrix


def nuclear_norm(matrix: ArrayLike) -> float:
    """Compute the sum of the singular values of a matrix.

    The singular values are the square roots of the eigenvalues of the smaller Gram matrix, which takes a third of the
    time of a singular value decomposition. Small singular values lose accuracy this way: if d is the rounding error of
    the eigenvalues, taken as n * eps times the largest, a singular value s has an error of up to d / s, but never more
    than the square root of d. If the mean of these bounds exceeds 1e-9 of the largest singular value, the singular
    values are computed from the matrix itself.

    Parameters
    ----------
    matrix
        (m, n) finite.

    Returns
    -------
    float
        0 for an empty matrix.
    """
    wide = np.asarray(matrix, np.float64)
    if not wide.size:
        return 0.0
    if wide.shape[0] > wide.shape[1]:
        wide = wide.T
    squares = np.linalg.eigvalsh(wide @ wide.T)
    largest = float(squares[-1])
    if largest <= 0:
        return 0.0
    values = np.sqrt(np.maximum(squares, 0))
    blur = wide.shape[1] * _EPS * largest
    bounds = np.minimum(np.sqrt(blur), blur / np.maximum(values, np.sqrt(blur)))
    if bounds.sum() > _SQUARED * len(values) * np.sqrt(largest):
        values = np.linalg.svd(wide, compute_uv=False)
    return float(values.sum())


def _whitened(covariance: Float, first: Whitening, second: Whitening) -> Float:
    if covariance.shape != (first.channels, second.channels):
        raise ComparisonError(
            f"a covariance of shape {covariance.shape} is not that of layers with {first.channels} and "
            f"{second.channels} channels; prepare the layers from the same activations"
        )
    whitened: Float = first.root.T @ covariance @ second.root
    return whitened


def _rounding(own: SecondMoments, layer: str) -> float:
    """Bound the rounding error of a layer's covariance, centered or not, by that of a sum of that many squares."""
    squares = np.diagonal(own.products[layer, layer])
    return float(_EPS * squares.max())
