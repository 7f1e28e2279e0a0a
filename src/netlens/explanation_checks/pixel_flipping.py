"""Faithfulness: what happens to a logit when the pixels that a map names first are taken away, or come first.

Source: Samek et al. 2017, "Evaluating the Visualization of What a Deep Neural Network Has Learned" (arXiv 1509.06321);
insertion and deletion: Petsiuk et al. 2018 (arXiv 1806.07421). Patches are replaced by those of the image's blurred
self. Inserting the first patches into the blurred image gives the images of deleting the last ones, so the insertion
curve is also that of the reversed order.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from netlens.explanation_checks.choices import CheckError

Float = NDArray[np.float64]
#: Side of a patch.
PATCH_PX: Final = 8
Logits = Callable[[NDArray[np.float32]], ArrayLike]


def patch_ranks(attribution: ArrayLike, patch_px: int = PATCH_PX) -> NDArray[np.int64]:
    """Return the rank of each patch, 0 for the one with the largest sum of the map.

    Parameters
    ----------
    attribution
        (height, width). Patches at the right and lower edges are smaller where the sides are no multiples.
    patch_px
        Side of a patch.

    Returns
    -------
    ndarray
        (rows, columns) of patches; equal sums keep the order of rows.
    """
    values = np.asarray(attribution, np.float64)
    starts = [np.arange(0, length, patch_px) for length in values.shape]
    sums = np.add.reduceat(np.add.reduceat(values, starts[0], axis=0), starts[1], axis=1)
    ranks = np.empty(sums.size, np.int64)
    ranks[np.argsort(-sums.ravel(), kind="stable")] = np.arange(sums.size)
    return ranks.reshape(sums.shape)


def by_pixel(ranks: ArrayLike, size: tuple[int, ...], patch_px: int = PATCH_PX) -> NDArray[np.int64]:
    """Return the rank of each pixel's patch, (height, width) = `size`."""
    grown = np.repeat(np.repeat(np.asarray(ranks, np.int64), patch_px, axis=0), patch_px, axis=1)
    return grown[: size[0], : size[1]]


def blurred(images: ArrayLike, sigma_px: float) -> NDArray[np.float32]:
    """Return images blurred by a Gaussian, (n, height, width, channels)."""
    found = gaussian_filter(np.asarray(images, np.float32), sigma=(0, sigma_px, sigma_px, 0), mode="nearest")
    return np.asarray(found, np.float32)


def flipping_curves(
    logits: Logits,
    image: ArrayLike,
    replacement: ArrayLike,
    *,
    class_index: int,
    orders: Sequence[ArrayLike],
    shares: ArrayLike,
) -> tuple[Float, Float]:
    """Compute a class's logit as patches are deleted, or inserted, in given orders.

    Parameters
    ----------
    logits
        Function from images, (n, height, width, channels), to logits, (n, classes).
    image, replacement
        (height, width, channels), preprocessed, and what takes its place.
    class_index
        Index of the logit.
    orders
        Ranks of patches by pixel, (height, width) each, from `by_pixel`.
    shares
        (s,), shares of the patches that are replaced, in 0..1.

    Returns
    -------
    deletion, insertion : ndarray
        (orders, s): with the first patches of the order replaced, and with all but them replaced.

    Raises
    ------
    CheckError
        A share is not in 0..1.
    """
    wanted = np.asarray(shares, np.float64)
    if wanted.min() < 0 or wanted.max() > 1:
        raise CheckError("shares of replaced patches must be between 0 and 1")
    original, other = np.asarray(image, np.float32), np.asarray(replacement, np.float32)
    # With no patch replaced, or all, the image is the same for every order.
    ends = np.asarray(logits(np.stack([original, other])), np.float64)[:, class_index]
    curves = np.empty((2, len(orders), len(wanted)))
    for place, order in enumerate(orders):
        ranks = np.asarray(order)
        patches_count = ranks.max() + 1
        counts = np.round(wanted * patches_count)
        curves[:, place, counts == 0] = ends[:, None]
        curves[:, place, counts == patches_count] = ends[::-1, None]
        between = (counts > 0) & (counts < patches_count)
        if between.any():
            first = ranks[None] < counts[between, None, None]
            mixed = np.concatenate(
                [np.where(first[..., None], other, original), np.where(first[..., None], original, other)]
            )
            curves[:, place, between] = np.asarray(logits(mixed), np.float64)[:, class_index].reshape(2, -1)
    return curves[0], curves[1]


def area(curve: ArrayLike, shares: ArrayLike) -> Float:
    """Return the area under curves over the share of replaced patches, (..., s) -> (...), in logits."""
    found: Float = np.trapezoid(np.asarray(curve, np.float64), np.asarray(shares, np.float64), axis=-1)
    return found


def gap(deletion: ArrayLike, insertion: ArrayLike, shares: ArrayLike) -> Float:
    """Return the area between insertion and deletion in logits, (..., s) -> (...).

    0 is expected of a random order, and an order is faithful if it is above; the reversed order has the negative.
    """
    return area(insertion, shares) - area(deletion, shares)
