"""Pictures of signed matrices, with colors symmetric about zero."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from netlens.plots import style


def signed_image(ax: Axes, matrix: ArrayLike, *, frame: bool = True) -> None:
    """Draw a matrix in `style.diverging` colors from -max|x| to max|x|; a matrix of zeros is gray.

    Parameters
    ----------
    ax
        Where to draw; its ticks are removed.
    matrix
        (m, n), signed.
    frame
        Draw a thin frame, so that a picture that is gray at its edge stands out from the page.
    """
    values = np.asarray(matrix, dtype=float)
    limit = float(np.abs(values).max(initial=0.0)) or 1.0
    ax.imshow(values, cmap=style.diverging(), vmin=-limit, vmax=limit, interpolation="antialiased")
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(frame)
        side.set_linewidth(0.4)
        side.set_color("0.6")
