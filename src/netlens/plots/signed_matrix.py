"""Pictures of signed matrices, with colors symmetric about zero."""

from typing import Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure, SubFigure
from numpy.typing import ArrayLike

from netlens.plots import style

#: On the logarithmic scale, entries up to this share of the largest magnitude are on its linear middle.
LINEAR_SHARE: Final = 0.01


def signed_image(
    ax: Axes, matrix: ArrayLike, *, frame: bool = True, logarithmic: bool = False, stretched: bool = False
) -> None:
    """Draw a matrix in `style.diverging` colors from -max|x| to max|x|; a matrix of zeros is gray.

    Parameters
    ----------
    ax
        Where to draw; its ticks are removed.
    matrix
        (m, n), signed.
    frame
        Draw a thin frame, so that a picture that is gray at its edge stands out from the page.
    logarithmic
        Space the colors logarithmically on both sides of zero, down to `LINEAR_SHARE` of the largest magnitude, so
        that one large entry does not hide the others; `relative_color_bar` is its scale.
    stretched
        Fill the axes, whatever the matrix's shape.
    """
    values = np.asarray(matrix, dtype=float)
    limit = float(np.abs(values).max(initial=0.0)) or 1.0
    aspect: Literal["auto", "equal"] = "auto" if stretched else "equal"
    if logarithmic:
        ax.imshow(
            values / limit, cmap=style.diverging(), norm=_relative_norm(), interpolation="antialiased", aspect=aspect
        )
    else:
        ax.imshow(values, cmap=style.diverging(), vmin=-limit, vmax=limit, interpolation="antialiased", aspect=aspect)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(frame)
        side.set_linewidth(0.4)
        side.set_color("0.6")


def relative_color_bar(fig: Figure | SubFigure, axes: ArrayLike) -> None:
    """Add the color bar of logarithmic pictures to the right of `axes`: entries relative to each picture's largest."""
    bar = fig.colorbar(
        ScalarMappable(_relative_norm(), style.diverging()), ax=np.asarray(axes).ravel().tolist(), aspect=40,
        fraction=0.03, pad=0.015, shrink=0.7,
    )  # fmt: skip
    bar.set_ticks([-1, -0.1, -0.01, 0, 0.01, 0.1, 1], labels=["−1", "−0.1", "−0.01", "0", "0.01", "0.1", "1"])
    bar.minorticks_off()
    bar.ax.tick_params(labelsize=6, length=2)
    bar.set_label("entry relative to the largest of its picture", fontsize=7)
    bar.outline.set(linewidth=0.4)  # type: ignore[operator]


def _relative_norm() -> SymLogNorm:
    return SymLogNorm(LINEAR_SHARE, linscale=0.5, vmin=-1, vmax=1)
