"""Whether layers of equal relative depth are alike beyond chance, and more than other layers are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.model_comparison.matching import diagonal
from netlens.model_comparison.null import LEVEL, SimilarityNull

Float = NDArray[np.float64]


@dataclass(frozen=True)
class EqualDepth:
    """The p pairs of layers of equal relative depth of two networks.

    Attributes
    ----------
    first, second
        (p,), places of the layers in either network.
    values
        (p,), their similarity.
    null_mean, null_quantile
        (p,), mean and 95 % quantile of the similarity after permutations of the images.
    largest
        (p,), what the similarity can be at most.
    by_chance
        (p,), whether it is no larger than by chance.
    gains
        (p,), the similarity less chance, less the mean of that over the other layers of the second network.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    values: Float
    null_mean: Float
    null_quantile: Float
    largest: Float
    by_chance: NDArray[np.bool_]
    gains: Float


def equal_depth(null: SimilarityNull) -> EqualDepth:
    """Return the pairs of layers of equal relative depth, each beside its null.

    Parameters
    ----------
    null
        Similarities of two networks, with what they would be by chance.
    """
    rows, columns = np.array(diagonal(*null.values.shape), np.int64).T
    calibrated = null.calibrated
    others = calibrated.shape[1] - 1
    own = calibrated[rows, columns]
    rest = (calibrated[rows].sum(axis=1) - own) / others if others else np.zeros(len(rows))
    return EqualDepth(
        rows,
        columns,
        null.values[rows, columns],
        null.permuted[:, rows, columns].mean(axis=0),
        np.quantile(null.permuted[:, rows, columns], 1 - LEVEL, axis=0),
        null.largest[rows, columns],
        null.by_chance[rows, columns],
        own - rest,
    )
