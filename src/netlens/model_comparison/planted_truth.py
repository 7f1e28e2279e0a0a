"""A test of the measures of similarity themselves, on copies of a layer whose relation to it is known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.debiased_cka import debiased_cka
from netlens.model_comparison.further_measures import mutual_neighbours, procrustes
from netlens.model_comparison.measures import SVCCA, LinearCKA, Measure, Whitened, prepared, similarity_matrix
from netlens.model_comparison.second_moments import second_moments
from netlens.statistics.even_samples import spread_evenly

Float = NDArray[np.float64]

#: Ratios of the noise's standard deviation to the layer's own, in the order of the copies.
NOISES: Final = (0.5, 1.0, 2.0)
#: What unrelated copies may differ by and still rank the same, in the measures' own units.
_TIE: Final = 1e-6


def _from_moments(measure: Measure[Any]) -> Callable[[Float, Float], float]:
    def similarity(first: Float, second: Float) -> float:
        sides = [{"layer": first}, {"layer": second}]
        own = [prepared(measure, second_moments(side, side)) for side in sides]
        return float(similarity_matrix(measure, second_moments(*sides), *own)[0, 0])

    return similarity


def _debiased(first: Float, second: Float) -> float:
    return float(debiased_cka({"layer": first}, {"layer": second})[0, 0])


#: Measures by their labels: functions of two layers' activations, (n, channels) each. A new one is a line here.
MEASURES: Final[Mapping[str, Callable[[Float, Float], float]]] = MappingProxyType(
    {
        "whitened": _from_moments(Whitened()),
        "linear CKA": _from_moments(LinearCKA()),
        "debiased CKA": _debiased,
        "SVCCA": _from_moments(SVCCA()),
        "Procrustes": procrustes,
        "mutual neighbors": mutual_neighbours,
    }
)


def planted_copies(activations: ArrayLike, seed: int) -> dict[str, Float]:
    """Make copies of a layer whose similarity to it can be ranked.

    Parameters
    ----------
    activations
        (n, channels) of a layer, one row per image.
    seed
        Seed of everything random.

    Returns
    -------
    dict
        By name, from the most similar to the least: units in another order; rotated; with noise of growing size;
        unrelated, which is the layer at the same images in another order; and unrelated with four times the channels.
    """
    layer = np.asarray(activations, np.float64)
    rng = np.random.default_rng(seed)
    channels = layer.shape[1]
    turn = np.linalg.qr(rng.standard_normal((channels, channels)))[0]
    spread = layer.std()
    copies = {"permuted units": layer[:, rng.permutation(channels)], "rotated": layer @ turn}
    copies |= {f"noise {size:g}": layer + size * spread * rng.standard_normal(layer.shape) for size in NOISES}
    unrelated = layer[rng.permutation(len(layer))]
    widened = unrelated @ rng.standard_normal((channels, 4 * channels)) + spread * rng.standard_normal(
        (len(layer), 4 * channels)
    )
    return copies | {"unrelated": unrelated, "unrelated, wide": widened}


@dataclass(frozen=True)
class PlantedTruth:
    """What each measure says of each copy.

    Attributes
    ----------
    copies
        Names of the copies, from the most similar to the least.
    measures
        Labels of the measures.
    values
        (measures, copies).
    """

    copies: tuple[str, ...]
    measures: tuple[str, ...]
    values: Float

    @property
    def ranked_right(self) -> NDArray[np.bool_]:
        """Which measures put every copy in its place, (measures,).

        The permuted and the rotated copy are equally similar, and so are the two unrelated ones, except that neither of
        them may reach a copy with noise.
        """
        exact, noisy, unrelated = self.values[:, :2], self.values[:, 2:-2], self.values[:, -2:]
        same = np.ptp(exact, axis=1) < _TIE * np.abs(exact).max(axis=1)
        falling = (np.diff(np.column_stack([exact.min(axis=1), noisy]), axis=1) < 0).all(axis=1)
        above: NDArray[np.bool_] = noisy[:, -1] > unrelated.max(axis=1)
        right: NDArray[np.bool_] = same & falling & above
        return right


def planted_truth(activations: ArrayLike, seed: int, measures: Sequence[str] = tuple(MEASURES)) -> PlantedTruth:
    """Compare a layer with its planted copies by every measure.

    Parameters
    ----------
    activations, seed
        As of `planted_copies`.
    measures
        Labels of the measures.

    Returns
    -------
    PlantedTruth
    """
    layer = np.asarray(activations, np.float64)
    copies = planted_copies(layer, seed)
    values = [[MEASURES[name](layer, copy) for copy in copies.values()] for name in measures]
    return PlantedTruth(tuple(copies), tuple(measures), np.array(values))


def narrowest_layer(
    activations: Mapping[str, NDArray[np.floating]], positions_count: int = 1, *, most_images_count: int = 2048
) -> Float:
    """Return the activations of the layer with the fewest channels that vary, at one position in each image.

    Parameters
    ----------
    activations
        (n, channels) by layer.
    positions_count
        Rows per image, which follow each other.
    most_images_count
        Images that are used at most, spread evenly: measures that compare images with each other take time that grows
        with the square of their number, and more images do not make their ranks clearer.

    Returns
    -------
    ndarray
        (images, channels), without channels that are the same everywhere.
    """
    images_count = len(next(iter(activations.values()))) // positions_count
    chosen = np.array(spread_evenly(images_count, most_images_count))
    rows = (np.asarray(values[chosen * positions_count], np.float64) for values in activations.values())
    varying = [values[:, np.ptp(values, axis=0) > 0] for values in rows]
    return min((values for values in varying if values.shape[1] > 1), key=lambda values: values.shape[1])
