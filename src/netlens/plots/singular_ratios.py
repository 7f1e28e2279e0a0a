"""Singular ratios along a network, in the style of the paper that they continue (Sixt et al. 2020)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from netlens.plots import style

#: The mathematical name of what is plotted.
RATIO_LABEL = r"$\sigma_1 / \sigma_2$"


def ratios(
    ax: Axes, positions: ArrayLike, values: ArrayLike, kind: str, *, label: str = "", dashed: bool = False
) -> None:
    """Draw the ratios of one kind of matrix; an infinite ratio is an open symbol at the upper edge.

    Parameters
    ----------
    ax
        Where to draw.
    positions
        Places along the network, (n,).
    values
        Ratios, (n,); infinity allowed.
    kind
        ``gradient``, ``pattern_attribution`` or ``pattern_net``: color, marker and name.
    label
        Name in the legend. Default: that of the kind.
    dashed
        Draw a dotted line, for a second series of the same kind.
    """
    x, y = np.asarray(positions, dtype=float), np.asarray(values, dtype=float)
    finite = np.isfinite(y)
    ax.plot(
        x,
        np.where(finite, y, np.nan),
        color=style.COLORS[kind],
        marker=style.MARKERS[kind],
        linestyle=":" if dashed else "-",
        linewidth=0.8,
        markeredgewidth=0.4,
        label=label or style.LABELS[kind],
    )
    if not finite.all():
        ax.plot(
            x[~finite],
            np.ones((~finite).sum()),
            transform=ax.get_xaxis_transform(),
            clip_on=False,
            color=style.COLORS[kind],
            marker=style.MARKERS[kind],
            markerfacecolor="none",
            linestyle="none",
            label=f"{label or style.LABELS[kind]}: infinite",
        )


def layer_axis(ax: Axes, labels: Sequence[str]) -> None:
    """Name the layers along the x axis, rotated by 90 degrees, and add a grid, the y label and a small legend."""
    ax.set_xticks(range(len(labels)), labels, rotation=90)
    ax.set_xlim(-0.5, len(labels) - 0.5)
    ax.set_ylabel(RATIO_LABEL)
    ax.set_ylim(bottom=min(1.0, ax.get_ylim()[0]))
    ax.grid(visible=True)
    ax.legend(loc="best", handlelength=1.6)
