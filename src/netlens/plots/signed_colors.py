"""Colors for signed values, as an image: blue below zero, light grey at zero, red above."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: The colors at -1, -0.5, 0, 0.5 and 1 of the largest magnitude, sRGB; between them, straight lines.
KNOTS: Final[tuple[str, ...]] = ("0571b0", "92c5de", "f7f7f7", "f4a582", "ca0020")

_COLORS = np.array([[int(knot[i : i + 2], 16) / 255 for i in (0, 2, 4)] for knot in KNOTS])
_AT = np.linspace(-1.0, 1.0, len(KNOTS))


def signed_colors(values: ArrayLike, *, limit: float | None = None) -> NDArray[np.float64]:
    """Color signed values on a diverging scale that is symmetric about zero.

    Parameters
    ----------
    values
        Of any shape, finite.
    limit
        The magnitude that takes the end colors; what lies beyond is clipped. Default: the largest magnitude, never
        the largest value, so that both signs are treated alike. Several arrays that are compared need a common one.

    Returns
    -------
    ndarray
        ``(*shape, 3)``, sRGB in 0..1. Values that are all zero are light grey.

    Raises
    ------
    ValueError
        A value is NaN or infinite, or `limit` is not a positive number.
    """
    signed = np.asarray(values, dtype=np.float64)
    if not np.isfinite(signed).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(signed))} of {signed.size} values have no color: NaN or inf")
    if limit is None:
        limit = float(np.abs(signed).max(initial=0.0)) or 1.0
    elif not (np.isfinite(limit) and limit > 0):
        raise ValueError(f"limit {limit} is no scale; give a positive number, or none for the largest magnitude")
    # np.interp holds the end colors beyond the ends, which is the clipping.
    scaled = (signed / limit).ravel()
    colors = np.stack([np.interp(scaled, _AT, channel) for channel in _COLORS.T], axis=-1)
    return colors.reshape(*signed.shape, 3)
