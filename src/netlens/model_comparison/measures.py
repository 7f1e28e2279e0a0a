"""How similar layers are, by three measures, from sums of products alone.

With C(a, b) the covariance of two layers over the same images:

- `Whitened`: the sum of the singular values of ``L_a' C(a, b) L_b`` over the larger number of channels, with
  ``L L' = inv C`` of each layer (`netlens.model_comparison.whitening`), after lucid's early model-comparison
  experiments. The singular values are the cosines between the two spaces of functions that the layers span, their
  canonical correlations where activations are centred. It does not change when a layer's channels are mixed by an
  invertible map.
- `LinearCKA`: ``|C(a, b)|^2 / (|C(a, a)| |C(b, b)|)``, centred, in Frobenius norms (Kornblith et al. 2019, section 3).
  It does not change under rotations or with one scale for all channels; directions with more variance count more.
- `SVCCA`: the mean canonical correlation of the fewest leading directions that explain a share of each layer's
  variance, centred (Raghu et al. 2017, section 2; the mean over the smaller number of directions). With all of the
  variance it does not change under invertible maps; with less, only under those that CKA allows, since which directions
  lead depends on their scale.

All lie between 0 and 1 up to rounding. A layer in which nothing varies is similar to nothing: 0.

A measure first prepares each layer of a network by itself, and then compares pairs, so what a layer needs is computed
once, whatever it is compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.second_moments import CrossProducts
from netlens.model_comparison.threads import workers
from netlens.model_comparison.whitening import Whitening, leading, whitening

Float = NDArray[np.float64]
Prepared = TypeVar("Prepared")

_EPS: Final = float(np.finfo(np.float64).eps)
# What the error of a mean singular value may be, by the bound, when it is read from squares.
_SQUARED: Final = 1e-9


class Measure(Protocol[Prepared]):
    """A similarity of layers."""

    def prepare(self, own: CrossProducts, layer: str) -> Prepared:
        """Compute what is needed of one layer, from the sums of its network with itself."""

    def compare(self, cross: CrossProducts, pair: tuple[str, str], first: Prepared, second: Prepared) -> float:
        """Compute the similarity of two prepared layers."""


@dataclass(frozen=True)
class Whitened:
    """Sum of the singular values of the whitened covariance over the larger number of channels.

    Attributes
    ----------
    centred
        Whether means are subtracted.
    ridge
        Share of the mean eigenvalue that is added where a covariance is singular or nearly so
        (`netlens.model_comparison.whitening.whitening`).
    """

    centred: bool = False
    ridge: float = 1e-6

    def prepare(self, own: CrossProducts, layer: str) -> Whitening:
        """Whiten one layer."""
        covariance = own.covariance(layer, layer, centred=self.centred)
        return whitening(covariance, ridge=self.ridge, rounding=_rounding(own, layer))

    def compare(self, cross: CrossProducts, pair: tuple[str, str], first: Whitening, second: Whitening) -> float:
        """Compare two whitened layers."""
        whitened = _whitened(cross.covariance(*pair, centred=self.centred), first, second)
        return nuclear_norm(whitened) / max(first.channels, second.channels)


@dataclass(frozen=True)
class LinearCKA:
    """Linear centred kernel alignment (Kornblith et al. 2019)."""

    def prepare(self, own: CrossProducts, layer: str) -> float:
        """Give the Frobenius norm of the layer's covariance; 0 where that is rounding only."""
        covariance = own.covariance(layer, layer, centred=True)
        norm = float(np.linalg.norm(covariance))
        return norm if norm > len(covariance) * _rounding(own, layer) else 0.0

    def compare(self, cross: CrossProducts, pair: tuple[str, str], first: float, second: float) -> float:
        """Compare two layers."""
        if not first or not second:
            return 0.0
        # Divided before it is squared, so that very large and very small activations do no harm.
        covariance = cross.covariance(*pair, centred=True) / np.sqrt(first) / np.sqrt(second)
        return float(np.sum(covariance**2))


@dataclass(frozen=True)
class SVCCA:
    """Singular vector canonical correlation (Raghu et al. 2017).

    Attributes
    ----------
    variance
        Share of each layer's variance that the directions kept explain.
    """

    variance: float = 0.99

    def prepare(self, own: CrossProducts, layer: str) -> Whitening:
        """Find the leading directions of one layer."""
        covariance = own.covariance(layer, layer, centred=True)
        return leading(covariance, self.variance, rounding=_rounding(own, layer))

    def compare(self, cross: CrossProducts, pair: tuple[str, str], first: Whitening, second: Whitening) -> float:
        """Compare two layers."""
        fewest = min(first.rank, second.rank)
        return nuclear_norm(_whitened(cross.covariance(*pair, centred=True), first, second)) / fewest if fewest else 0.0


def prepared(measure: Measure[Prepared], own: CrossProducts) -> dict[str, Prepared]:
    """Prepare all layers of a network.

    Parameters
    ----------
    measure
        `Whitened`, `LinearCKA` or `SVCCA`.
    own
        Sums of the network with itself.

    Returns
    -------
    dict
        By layer, in network order.

    Raises
    ------
    ComparisonError
        A covariance is none; the message names the layer.
    """

    def one(layer: str) -> Prepared:
        try:
            return measure.prepare(own, layer)
        except ComparisonError as error:
            raise ComparisonError(f"layer {layer!r}: {error}") from error

    with workers() as pool:
        return dict(zip(own.first_layers, pool.map(one, own.first_layers), strict=True))


def similarity_matrix(
    measure: Measure[Prepared], cross: CrossProducts, first: Mapping[str, Prepared], second: Mapping[str, Prepared]
) -> Float:
    """Compute the similarity of all pairs of layers of two networks, or of one with itself.

    Parameters
    ----------
    measure
        The measure that prepared the layers.
    cross
        Sums of the first network with the second.
    first, second
        Their layers, `prepared`; of sums of a network with itself the same twice.

    Returns
    -------
    ndarray
        (layers of the first, layers of the second) float64.

    Raises
    ------
    ComparisonError
        A layer of the sums was not prepared, or the layers that were have other sizes.
    """
    rows, columns = cross.first_layers, cross.second_layers
    for layers, known, which in ((rows, first, "first"), (columns, second, "second")):
        if missing := [layer for layer in layers if layer not in known]:
            raise ComparisonError(
                f"{which} network: layer {missing[0]!r} was not prepared; prepare it from its own sums"
            )
    half = cross.symmetric and first is second
    places = [(i, j) for i, j in product(range(len(rows)), range(len(columns))) if not half or i <= j]

    def one(place: tuple[int, int]) -> float:
        a, b = rows[place[0]], columns[place[1]]
        return measure.compare(cross, (a, b), first[a], second[b])

    matrix = np.empty((len(rows), len(columns)))
    # The largest first, so that no thread is left with one of them at the end.
    places.sort(key=lambda place: -cross.first_sums[place[0]].size * cross.second_sums[place[1]].size)
    with workers() as pool:
        for (i, j), value in zip(places, pool.map(one, places), strict=True):
            matrix[i, j] = value
            if half:
                matrix[j, i] = value
    return matrix


def nuclear_norm(matrix: ArrayLike) -> float:
    """Sum the singular values of a matrix.

    They are the roots of the eigenvalues of the Gram matrix of the shorter side, a third of the work of a singular
    value decomposition. A Gram matrix blurs what is small: with d the rounding error of its eigenvalues, a singular
    value s can be wrong by d / s, and never by more than the root of d. d is taken as n * eps of the largest
    eigenvalue. Where the mean of these errors could be more than 1e-9 of the largest singular value, the values are
    computed from the matrix itself.

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


def _rounding(own: CrossProducts, layer: str) -> float:
    """Bound the rounding errors of a layer's covariance, centred or not: those of a sum of as many squares."""
    squares = np.diagonal(own.products[layer, layer])
    return float(_EPS * squares.max())
