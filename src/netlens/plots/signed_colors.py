"""Colors for signed values: blue below zero, light gray at zero, red above."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: The colors at -1, -0.5, 0, 0.5 and 1 times the largest magnitude, sRGB; linear in between.
KNOTS: Final[tuple[str, ...]] = ("0571b0", "92c5de", "f7f7f7", "f4a582", "ca0020")

_COLORS = np.array([[int(knot[i : i + 2], 16) / 255 for i in (0, 2, 4)] for knot in KNOTS])
_AT = np.linspace(-1.0, 1.0, len(KNOTS))


def signed_colors(values: ArrayLike, *, limit: float | None = None) -> NDArray[np.float64]:
    """Return the colors of signed values on a diverging scale that is symmetric about zero.

    Parameters
    ----------
    values
        Array of any shape, finite.
    limit
        The magnitude of the end colors; larger ones are clipped. Default: the largest magnitude, not the largest value,
        so that both signs are treated alike. Arrays that are compared need a common limit.

    Returns
    -------
    ndarray
        ``(*shape, 3)``, sRGB in 0..1. Zeros are light gray, also where all values are zero.

    Raises
    ------
    ValueError
        A value is NaN or infinite, or `limit` is not a positive number.
    """
    signed = np.asarray(values, dtype=np.float64)
    if not np.isfinite(signed).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(signed))} of {signed.size} values have no color: they are NaN or infinite"
        )
    if limit is None:
        limit = float(np.abs(signed).max(initial=0.0)) or 1.0
    elif not (np.isfinite(limit) and limit > 0):
        raise ValueError(f"limit must be a positive number, or None for the largest magnitude, not {limit}")
    # Beyond the ends np.interp returns the end colors, which clips.
    scaled = (signed / limit).ravel()
    colors = np.stack([np.interp(scaled, _AT, channel) for channel in _COLORS.T], axis=-1)
    return colors.reshape(*signed.shape, 3)
