"""How far the similarity of two layers depends on the images: the similarity without each group of them.

Resampled images repeat, which lowers the rank of what is whitened and raises every similarity; images that are left out
do neither. The jackknife (`netlens.statistics.intervals.jackknife`) turns the similarities into an interval.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.measures import Whitened, prepared, similarity_matrix
from netlens.model_comparison.second_moments import second_moments

Float = NDArray[np.float64]


@dataclass(frozen=True)
class LeftOutSimilarities:
    """Similarities of two layers without each of g groups of images.

    Attributes
    ----------
    values
        (g,).
    images
        (g,), number of images in each group.
    """

    values: Float
    images: NDArray[np.int64]


def left_out_similarities(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    measure: Whitened,
    *,
    positions_count: int = 1,
    groups_count: int = 10,
) -> LeftOutSimilarities:
    """Compute the whitened similarity of two layers without each group of images.

    Parameters
    ----------
    first, second
        (n, channels) each, activations at the same images and positions.
    measure
        The similarity.
    positions_count
        Rows per image, which follow each other and stay together.
    groups_count
        Number of groups of images that follow each other; fewer where there are fewer images.

    Returns
    -------
    LeftOutSimilarities

    Raises
    ------
    ComparisonError
        The activations are not of the same images, or of a single one.
    """
    images_count, left = divmod(len(first), positions_count)
    if left or len(first) != len(second):
        raise ComparisonError(f"the activations are not of {positions_count} positions in each of the same images")
    if images_count < 2:
        raise ComparisonError("the similarity at a single image has no interval; compare at two or more")
    image = np.repeat(np.arange(images_count), positions_count)
    groups = np.array_split(np.arange(images_count), min(groups_count, images_count))
    values = []
    for group in groups:
        rest = ~np.isin(image, group)
        sides = [{"layer": each[rest]} for each in (first, second)]
        own = [prepared(measure, second_moments(side, side)) for side in sides]
        values.append(float(similarity_matrix(measure, second_moments(*sides), *own)[0, 0]))
    return LeftOutSimilarities(np.array(values), np.array([len(group) for group in groups]))
