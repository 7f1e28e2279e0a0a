"""Singular values of a product of many matrices, in decades, with their estimated errors."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from netlens.plots import style


def chain_values(ax: Axes, log10_values: ArrayLike, log10_errors: ArrayLike, *, resolved: int, kind: str) -> None:
    r"""Draw the singular values of one chain relative to the largest; those lost in rounding are open symbols.

    Parameters
    ----------
    ax
        Where to draw.
    log10_values, log10_errors
        (n,) decimal logarithms of the values, largest first, and their errors in decades.
    resolved
        How many values are not lost in rounding, counted from the largest.
    kind
        ``gradient`` or ``pattern_attribution``: color, marker and name.
    """
    logs, errors = np.asarray(log10_values), np.asarray(log10_errors)
    index, relative = np.arange(len(logs)) + 1, logs - logs[0]
    look: dict[str, Any] = {"color": style.COLORS[kind], "marker": style.MARKERS[kind], "linestyle": "none"}
    worst = max(np.max(errors[:resolved], initial=0.0), np.finfo(float).tiny)
    label = rf"{style.LABELS[kind]} (error below $10^{{{int(np.ceil(np.log10(worst)))}}}$)"
    ax.errorbar(
        index[:resolved],
        relative[:resolved],
        errors[:resolved],
        elinewidth=0.6,
        markeredgewidth=0.4,
        label=label,
        **look,
    )
    # An exact 0 has no place on this axis; a value that is lost in rounding is at most about as large as it is drawn.
    lost = np.flatnonzero(np.isfinite(relative[resolved:])) + resolved
    if len(lost):
        ax.plot(index[lost], relative[lost], markerfacecolor="none", label="lost in rounding", **look)


def chain_axes(ax: Axes) -> None:
    """Label the axes of the plot, and add a grid and a legend."""
    ax.set(xlabel="index", ylabel=r"$\log_{10}(\sigma_i / \sigma_1)$")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(visible=True)
    ax.legend(loc="best")
