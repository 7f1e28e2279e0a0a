"""Pictures of directions among units, in signed colors that mean the same whatever the number of units."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from numpy.typing import ArrayLike

from netlens.plots import style

#: Where the colors of pictures of directions end, in root mean squares of a picture.
END: Final = 2.0


def directions_image(ax: Axes, matrix: ArrayLike) -> None:
    """Draw entries of directions relative to their root mean square, stretched over the axes.

    Entries of directions of length 1 have a root mean square that depends on their number alone, so the colors of
    `directions_color_bar` mean the same in pictures of different sizes.

    Parameters
    ----------
    ax
        Where to draw; its ticks are removed.
    matrix
        (m, n), signed.
    """
    values = np.asarray(matrix, dtype=float)
    mean_square = float(np.mean(values**2)) if values.size else 0.0
    shown = values / (np.sqrt(mean_square) or 1.0)
    ax.imshow(shown, cmap=style.diverging(), vmin=-END, vmax=END, interpolation="nearest", aspect="auto")
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set(linewidth=0.4, color="0.6")


def directions_color_bar(fig: Figure | SubFigure, axes: ArrayLike | Axes) -> None:
    """Add the color bar of `directions_image` to the right of several axes, or into axes of its own, lying."""
    scale = ScalarMappable(Normalize(-END, END), style.diverging())
    if isinstance(axes, Axes):
        bar = fig.colorbar(scale, cax=axes, orientation="horizontal", extend="both")
    else:
        bar = fig.colorbar(
            scale, ax=np.asarray(axes).ravel().tolist(), aspect=40, fraction=0.03, pad=0.015, shrink=0.7,
            extend="both",
        )  # fmt: skip
    bar.set_ticks([-2, -1, 0, 1, 2], labels=["−2", "−1", "0", "1", "2"])
    bar.ax.tick_params(labelsize=6.5, length=2)
    bar.set_label("entry / root mean square of its picture", fontsize=7)
    bar.outline.set(linewidth=0.4)  # type: ignore[operator]
