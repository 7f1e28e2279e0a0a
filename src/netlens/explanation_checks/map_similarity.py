"""How alike two heat maps are: structural similarity, rank correlation, and the entropy of one map."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from skimage.metrics import structural_similarity

from netlens.explanation_checks.choices import CheckError

Float = NDArray[np.float64]

#: Percentiles of two maps together that become -1 and 1; what lies beyond is clipped.
CLIPPED: Final = (0.5, 99.5)
#: Side of the window of the structural similarity, in pixels.
WINDOW_PX: Final = 5
#: Bins of the histogram whose entropy is taken.
BINS: Final = 100


def ssim(first: ArrayLike, second: ArrayLike) -> float:
    """Compute the structural similarity of two maps, after Sixt et al. 2020 (arXiv 1912.09818), section 4.1.

    Both are scaled by the same percentiles to [-1, 1]; of the second map and its negative, the more similar counts.

    Parameters
    ----------
    first, second
        (height, width) each, at least 5 x 5.

    Returns
    -------
    float
        At most 1. Two maps that are the same everywhere have 1.

    Raises
    ------
    CheckError
        The maps have different shapes, or are smaller than the window.
    """
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != two.shape or one.ndim != 2 or min(one.shape) < WINDOW_PX:
        raise CheckError(f"maps of shapes {one.shape} and {two.shape} cannot be compared; use two of at least 5 x 5")
    return max(_ssim(one, two), _ssim(one, -two))


def _ssim(one: Float, two: Float) -> float:
    low, high = np.percentile(np.stack([one, two]), CLIPPED)
    if high <= low:
        return 1.0 if np.array_equal(one, two) else 0.0
    scaled = [np.clip(2 * (each - low) / (high - low) - 1, -1, 1) for each in (one, two)]
    # data_range is told, because skimage takes that of the type, which is 2 only by chance.
    return float(structural_similarity(*scaled, win_size=WINDOW_PX, data_range=2.0))  # type: ignore[no-untyped-call]


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Compute Spearman's rank correlation of two maps, pixel by pixel; 0 where only one is the same everywhere."""
    if np.array_equal(first, second):
        return 1.0
    ranks = [rankdata(np.asarray(each, np.float64).ravel()) for each in (first, second)]
    centred = [each - each.mean() for each in ranks]
    norm = float(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]))
    return float(centred[0] @ centred[1]) / norm if norm else 0.0


def cosine(first: ArrayLike, second: ArrayLike) -> float:
    """Compute the cosine between two maps, pixel by pixel; NaN where one is zero."""
    one, two = (np.asarray(each, np.float64).ravel() for each in (first, second))
    one, two = (each / max(np.abs(each).max(), np.finfo(float).tiny) for each in (one, two))
    norm = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(one @ two) / norm if norm else float("nan")


def entropy(values: ArrayLike) -> float:
    """Compute the discrete entropy of a map in bits: that of its histogram with 100 equal bins.

    References
    ----------
    Hedstrom et al. 2023, "Sanity Checks Revisited" (arXiv 2401.06465), section 4.2.
    """
    counts, _ = np.histogram(np.asarray(values, np.float64).ravel(), bins=BINS)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
