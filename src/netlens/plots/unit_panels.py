"""Panels of units: feature visualizations, maps of signed weights on a common scale, and their color key."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.signed_colors import signed_colors


def panel(fig: Figure, left_in: float, top_in: float, width_in: float, height_in: float | None = None) -> Axes:
    """Return new axes, placed in inches from the figure's upper left corner; square where no height is given."""
    width, height = (float(side) for side in fig.get_size_inches())
    height_in = width_in if height_in is None else height_in
    return fig.add_axes((left_in / width, 1 - (top_in + height_in) / height, width_in / width, height_in / height))


def words(fig: Figure, left_in: float, top_in: float, text: str, **style: object) -> None:
    """Write text of 7 points, placed in inches from the figure's upper left corner; `style`: options of matplotlib."""
    width, height = (float(side) for side in fig.get_size_inches())
    fig.text(left_in / width, 1 - top_in / height, text, **{"fontsize": 7, "va": "top", **style})  # type: ignore[arg-type]


def bare(ax: Axes) -> None:
    """Remove a panel's ticks and give it a thin frame."""
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set(linewidth=0.4, color="0.6")


def draw_picture(ax: Axes, picture: NDArray[Any], title: str = "", *, size_pt: float = 6.5) -> None:
    """Draw an image, (height, width, 3), uint8 or 0..1, under its title."""
    ax.imshow(picture, interpolation="antialiased")
    bare(ax)
    ax.set_title(title, fontsize=size_pt, pad=2.5)


def draw_weights(ax: Axes, weights: ArrayLike, limit: float) -> None:
    """Draw a map of weights, (W, W), in signed colors; `limit` is the magnitude of the end colors."""
    ax.imshow(signed_colors(weights, limit=limit), interpolation="nearest")
    bare(ax)


def draw_arrow(ax: Axes, start: float, end: float) -> None:
    """Draw an arrow beside a panel, half-way up; `start` and `end` in panel widths from its left edge."""
    arrow = {"arrowstyle": "->", "color": "0.3", "lw": 0.8, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (end, 0.5), (start, 0.5), xycoords="axes fraction", arrowprops=arrow)


def weights_key(fig: Figure, ax: Axes, limit: float, label: str = "", *, size_pt: float = 6.5) -> None:
    """Draw a vertical color key for `draw_weights` into `ax`, from -limit to limit."""
    scale = ScalarMappable(Normalize(-limit, limit), style.diverging())
    bar = fig.colorbar(scale, cax=ax, ticks=[-limit, 0, limit])
    bar.ax.set_yticklabels([f"\N{MINUS SIGN}{limit:.2g}", "0", f"{limit:.2g}"], fontsize=size_pt)
    bar.ax.tick_params(length=2, pad=2)
    bar.outline.set(linewidth=0.4, edgecolor="0.6")  # type: ignore[operator]
    if label:
        bar.set_label(label, fontsize=size_pt)


def rows_of(numbers: ArrayLike, columns: int) -> list[NDArray[Any]]:
    """Return numbers split into rows of `columns`; the last row may be shorter."""
    values = np.asarray(numbers)
    return [values[start : start + columns] for start in range(0, len(values), columns)]
