"""Norms of a matrix's rows and columns beside its singular values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from netlens.plots import style

Values = NDArray[Any]


def norms_and_values(panels: Mapping[str, tuple[Values, Values, Values]]) -> Figure:
    """Draw row norms, column norms and singular values over their index, on a logarithmic axis, one panel per matrix.

    Parameters
    ----------
    panels
        By title: norms of the rows (m,) and of the columns (n,) and singular values (r,), each largest first. Zeros are
        left out.

    Returns
    -------
    Figure
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(style.FULL_WIDTH_IN, 2.5))
    for ax, (title, (rows, columns, values)) in zip(axes, panels.items(), strict=True):
        curves: tuple[tuple[str, Values, Any, str], ...] = (
            ("row norms (one per input), sorted", rows, style.PALETTE[1], ":"),
            ("column norms (one per unit), sorted", columns, style.PALETTE[0], "--"),
            ("singular values", values, "black", "-"),
        )
        for label, curve, color, dashes in curves:
            ax.semilogy(np.arange(len(curve)) + 1, np.where(curve > 0, curve, np.nan), dashes, color=color, label=label)
        top = max(rows[0], columns[0], values[0]) or 1.0
        # A few rows that are nearly 0 do not squeeze all others.
        low = min(float(np.quantile(curve[curve > 0], 0.02)) for _, curve, *_ in curves if (curve > 0).any())
        ax.set(title=title, xlabel="index", ylim=(max(top * 1e-4, low / 2), top * 2))
        decades = np.log10(ax.get_ylim()[1] / ax.get_ylim()[0])
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,), numticks=12))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.grid(visible=True)
    axes[0].set_ylabel("norm, singular value")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, handlelength=2.2)
    return fig
