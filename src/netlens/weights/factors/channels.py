"""The strongest channels of a direction, and their names."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def strongest_channels(direction: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return the channels with the largest magnitudes, strongest first.

    Parameters
    ----------
    direction
        (C,), signed.
    count
        Number of channels, at most; channels of exactly 0 are never among them.

    Returns
    -------
    ndarray
        int64, (count,) or shorter; of equal magnitudes, the lower number comes first.
    """
    magnitudes = np.abs(np.asarray(direction, dtype=np.float64))
    order = np.argsort(-magnitudes, kind="stable")[:count]
    return order[magnitudes[order] > 0].astype(np.int64)


def name_channels(direction: ArrayLike, layer: str, count: int = 3) -> str:
    """Return the names of the strongest channels with their weights: ``mixed3a:17 (+0.62), mixed3a:3 (-0.31)``.

    Parameters
    ----------
    direction
        (C,), of unit length; signed or not. Signs are written where any entry is negative.
    layer
        The layer that the channels belong to.
    count
        Number of channels, at most.

    Returns
    -------
    str
        ``none`` for a direction of zeros.
    """
    values = np.asarray(direction, dtype=np.float64)
    style = "+.2f" if (values < 0).any() else ".2f"
    named = [f"{layer}:{channel} ({values[channel]:{style}})" for channel in strongest_channels(values, count)]
    return ", ".join(named) or "none"
