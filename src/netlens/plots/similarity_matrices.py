"""Similarity matrices of layers, side by side, each with its own scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style

#: Panels with up to this many layers are placed side by side; larger ones below each other.
SIDE_BY_SIDE: Final = 14

_LABEL_PT: Final = 6.5
# If rows or columns are closer than this, only every second one, or fewer, is labeled.
_PITCH_PT: Final = 5.8
_MARGIN_IN: Final = 0.1
_NARROWEST: Final = 6
# Leaves room for a caption on a page.
_HIGHEST_IN: Final = 8.0
# Brightness of a cell, from 0 to 1, above which its dot is dark.
_BRIGHT: Final = 0.5


@dataclass(frozen=True)
class Panel:
    """One matrix.

    Attributes
    ----------
    title
        Text above the matrix.
    values
        (r, c), 0 or more.
    rows, columns
        Labels of the layers.
    row_title, column_title
        Names of the networks of the rows and of the columns.
    """

    title: str
    values: NDArray[np.float64]
    rows: Sequence[str]
    columns: Sequence[str]
    row_title: str
    column_title: str


def colours() -> Colormap:
    """Return a perceptually uniform color map from light (0) to dark, also in gray and for color-blind readers."""
    colours: Colormap = sns.color_palette("mako_r", as_cmap=True)
    return colours


def draw(fig: Figure, panels: Sequence[Panel]) -> None:
    """Draw panels side by side, or below each other if they have many layers, and fit the figure's size to them.

    The scale of a panel goes from 0 to its own largest value. A dot marks the largest value of each row, the best match
    of that layer.

    Parameters
    ----------
    fig
        Empty figure. Its size and layout are set: as wide as the page, or as a column for a single panel and for panels
        below each other; as high as the panels need, but no higher than a page.
    panels
        At least one. Row labels are omitted where they repeat those of the previous panel and there is no row title.

    Raises
    ------
    ValueError
        A panel's values do not fit its layers, or are negative or not finite.
    """
    for panel in panels:
        _check(panel)
    beside = len(panels) > 1 and _side_by_side(panels)
    width = style.FULL_WIDTH_IN if beside else style.WIDTH_IN
    # Higher than square cells of this width will need; the rest is cut off below.
    fig.set_layout_engine("compressed")
    fig.set_size_inches(width, 6.0 if beside else 6.0 * len(panels))
    shape = (1, len(panels)) if beside else (len(panels), 1)
    # Side by side, cells have about the same size, unless a matrix would be too narrow for its title.
    ratios = [max(len(panel.columns), _NARROWEST) for panel in panels] if beside else None
    axes: list[Axes] = list(fig.subplots(*shape, squeeze=False, width_ratios=ratios).ravel())
    before: Sequence[str] = ()
    for ax, panel in zip(axes, panels, strict=True):
        image = _matrix(ax, panel)
        if beside and not panel.row_title and list(panel.rows) == list(before):
            ax.set_yticklabels([])
        before = panel.rows
        _scale(ax, image)
    fig.canvas.draw()
    if beside:
        drawn = fig.get_tightbbox(fig.canvas.get_renderer())  # type: ignore[attr-defined]
        fig.set_size_inches(width, float(drawn.height) + _MARGIN_IN)
    else:
        heights = [ax.get_tightbbox().height / fig.dpi for ax in axes]  # type: ignore[union-attr]
        fig.set_size_inches(width, min(sum(heights) + _MARGIN_IN * (len(panels) + 1), _HIGHEST_IN))
    fig.canvas.draw()
    for ax, panel in zip(axes, panels, strict=True):
        # Cells are square, so rows are as close together as columns.
        cell_pt = ax.get_window_extent().width / fig.dpi * 72 / len(panel.columns)
        step = math.ceil(_PITCH_PT / cell_pt)
        for axis in (ax.xaxis, ax.yaxis):
            for place, label in enumerate(axis.get_ticklabels()):
                label.set_visible(place % step == 0)


def _scale(ax: Axes, image: AxesImage) -> None:
    """Draw the scale as high as the matrix, labeled at both ends and in the middle."""
    inset = ax.inset_axes((1.04, 0, 0.045, 1))
    _, largest = image.get_clim()
    bar = ax.figure.colorbar(image, cax=inset, ticks=[0, largest / 2, largest])
    bar.ax.set_yticklabels(["0", f"{largest / 2:.2f}", f"{largest:.2f}"])
    bar.outline.set_linewidth(0.4)  # type: ignore[operator]
    bar.ax.tick_params(labelsize=_LABEL_PT, length=2, width=0.4, pad=1.5)


def _side_by_side(panels: Sequence[Panel]) -> bool:
    return all(max(np.shape(panel.values)) <= SIDE_BY_SIDE for panel in panels)


def _check(panel: Panel) -> None:
    shape = np.shape(panel.values)
    if shape != (len(panel.rows), len(panel.columns)):
        raise ValueError(f"{panel.title}: values {shape} for {len(panel.rows)} and {len(panel.columns)} layers")
    if not np.isfinite(panel.values).all() or np.min(panel.values) < 0:
        raise ValueError(f"{panel.title}: similarities must be finite and not negative")


def _matrix(ax: Axes, panel: Panel) -> AxesImage:
    largest = float(np.max(panel.values))
    scale = Normalize(0, largest if largest > 0 else 1)
    image = ax.imshow(panel.values, cmap=colours(), norm=scale, aspect="equal", interpolation="nearest")
    best = np.argmax(panel.values, axis=1)
    for row, column in enumerate(best.tolist()):
        bright = _brightness(colours()(scale(panel.values[row, column]))) > _BRIGHT
        ax.plot(column, row, "o", markersize=2.2, markeredgewidth=0, color="black" if bright else "white")
    ax.set_xticks(range(len(panel.columns)), list(panel.columns), rotation=90, fontsize=_LABEL_PT)
    ax.set_yticks(range(len(panel.rows)), list(panel.rows), fontsize=_LABEL_PT)
    ax.tick_params(length=0, pad=2)
    for side in ax.spines.values():
        side.set_linewidth(0.4)
    ax.set_title(panel.title, fontsize=7.5)
    ax.set_xlabel(panel.column_title, fontsize=7)
    ax.set_ylabel(panel.row_title, fontsize=7)
    return image


def _brightness(color: ArrayLike) -> float:
    red, green, blue = np.asarray(color, np.float64)[:3]
    return float(0.299 * red + 0.587 * green + 0.114 * blue)
