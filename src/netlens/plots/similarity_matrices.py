"""Similarity matrices of layers, side by side, with their values where cells have room for them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.fitted_text import shortened

#: Panels with up to this many layers are placed side by side; larger ones below each other.
SIDE_BY_SIDE: Final = 14

_LABEL_PT: Final = 6.5
# Longer labels of layers are shortened.
_LABEL_IN: Final = 0.9
# Titles may extend this far beyond the matrix in all, over the labels of the layers and the scale; where there is no
# scale, nothing is at its right.
_BEYOND_IN: Final = 0.7
_BEYOND_ALONE_IN: Final = 0.05
_FIRST_TITLE_IN: Final = 1.0
# If rows or columns are closer than this, only every second one, or fewer, is labeled.
_PITCH_PT: Final = 5.8
_MARGIN_IN: Final = 0.1
_NARROWEST: Final = 6
# Leaves room for a caption on a page.
_HIGHEST_IN: Final = 8.0
# Where the largest value exceeds this quantile of the values this many times, the scale ends at the quantile.
_QUANTILE: Final = 0.98
_TOO_LARGE: Final = 1.25
_FEW: Final = 25
# Brightness of a cell, from 0 to 1, above which its dot is dark.
_BRIGHT: Final = 0.5
# Cells of this size have room for two digits, whose size is the other number.
_ROOMY_PT: Final = 11.5
_NUMBER_PT: Final = 6.0
# What labels, titles and gaps take of the width beside a panel that names its rows, and beside others.
_BESIDE_IN: Final = 0.72
_GAP_IN: Final = 0.15
#: Color of the frames and dots of best matches in cells with numbers, and of the line of equal relative depth.
BEST: Final = style.PALETTE[1]
EQUAL_DEPTH: Final = "0.45"


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
    by_chance
        (r, c) bool: values that are no larger than those of unrelated activations, which are drawn as hatched cells;
        None: no value is known to be.
    """

    title: str
    values: NDArray[np.float64]
    rows: Sequence[str]
    columns: Sequence[str]
    row_title: str
    column_title: str
    by_chance: NDArray[np.bool_] | None = None

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Which values are larger than those of unrelated activations, (r, c)."""
        return np.ones(np.shape(self.values), bool) if self.by_chance is None else ~self.by_chance


def scale_end(values: ArrayLike) -> float:
    """Return the value at which a scale from 0 ends, so that single large values do not take most of it.

    Parameters
    ----------
    values
        Any shape, 0 or more.

    Returns
    -------
    float
        The largest value, or the 98th percentile of the values if there are at least 25 and the largest is more than
        1.25 times as large; 1 if all values are 0 or there are none.

    Examples
    --------
    >>> scale_end([[0.9, 0.1], [0.2, 0.8]])
    0.9
    """
    given = np.asarray(values, np.float64).ravel()
    largest = float(given.max(initial=0.0))
    usual = float(np.quantile(given, _QUANTILE, method="lower")) if given.size >= _FEW else largest
    end = usual if 0 < usual * _TOO_LARGE < largest else largest
    return end if end > 0 else 1.0


def draw(fig: Figure, panels: Sequence[Panel], *, shared: bool = True) -> None:
    """Draw panels side by side, or below each other if they have many layers, and fit the figure's size to them.

    Where cells have room, each shows its value, of which the leading zero is left out, and the largest value of a row,
    the best match of that layer, has a frame. In smaller cells a dot marks it, and there is a color key. A row that
    only has values by chance has no best match. The dashed line joins layers of equal relative depth.

    Parameters
    ----------
    fig
        Empty figure. Its size and layout are set: as wide as the page, or as a column for a single panel and for panels
        below each other; as high as the panels need, but no higher than a page.
    panels
        At least one. Row labels are omitted where they repeat those of the previous panel and there is no row title.
    shared
        Use one scale of colors in all panels, from 0 to the largest value of all (`scale_end`); if not, each panel has
        its own. A key whose scale does not reach the largest value ends in an arrow.

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
    fig.set_layout_engine("compressed", w_pad=0.03, h_pad=0.03, wspace=0.01)
    fig.set_size_inches(width, 6.0 if beside else 6.0 * len(panels))
    shape = (1, len(panels)) if beside else (len(panels), 1)
    # Side by side, cells have about the same size, unless a matrix would be too narrow for its title.
    ratios = [max(len(panel.columns), _NARROWEST) for panel in panels] if beside else None
    numbered = _cell_pt(panels, width, beside=beside) >= _ROOMY_PT
    axes: list[Axes] = list(fig.subplots(*shape, squeeze=False, width_ratios=ratios).ravel())
    for place, (ax, panel, end) in enumerate(zip(axes, panels, _ends(panels, shared=shared), strict=True)):
        mesh = _matrix(ax, panel, end, numbered=numbered)
        if beside and place and _repeats(panels[place - 1], panel):
            ax.set_yticklabels([])
        if not numbered:
            _scale(ax, mesh, panel)
        _titles(ax, panel, (_FIRST_TITLE_IN, _FIRST_TITLE_IN))
    # Titles have the room that the matrix leaves them, once its size is known.
    fig.draw_without_rendering()
    for ax, panel in zip(axes, panels, strict=True):
        extent = ax.get_window_extent()
        beyond = _BEYOND_ALONE_IN if numbered else _BEYOND_IN
        _titles(ax, panel, (extent.width / fig.dpi + beyond, extent.height / fig.dpi + _BEYOND_IN / 2))
    fig.draw_without_rendering()
    if beside:
        drawn = fig.get_tightbbox(fig.canvas.get_renderer())  # type: ignore[attr-defined]
        fig.set_size_inches(width, float(drawn.height) + _MARGIN_IN)
    else:
        heights = [ax.get_tightbbox().height / fig.dpi for ax in axes]  # type: ignore[union-attr]
        fig.set_size_inches(width, min(sum(heights) + _MARGIN_IN * (len(panels) + 1), _HIGHEST_IN))
    fig.draw_without_rendering()
    for ax, panel in zip(axes, panels, strict=True):
        # Cells are square, so rows are as close together as columns.
        cell_pt = ax.get_window_extent().width / fig.dpi * 72 / len(panel.columns)
        step = math.ceil(_PITCH_PT / cell_pt)
        for axis in (ax.xaxis, ax.yaxis):
            for place, label in enumerate(axis.get_ticklabels()):
                label.set_visible(place % step == 0)


def _cell_pt(panels: Sequence[Panel], width: float, *, beside: bool) -> float:
    """Return about how large cells will be at least, in points."""
    columns = [max(len(panel.columns), _NARROWEST) for panel in panels]
    gaps = [_BESIDE_IN] + [_GAP_IN if _repeats(*pair) else _BESIDE_IN for pair in pairwise(panels)] * beside
    room_pt = 72 * (width - sum(gaps))
    per_page = 72 * (_HIGHEST_IN / (1 if beside else len(panels)) - _BESIDE_IN)
    return min(
        room_pt / (sum(columns) if beside else max(columns)), per_page / max(len(panel.rows) for panel in panels)
    )


def _ends(panels: Sequence[Panel], *, shared: bool) -> list[float]:
    """Return where the scale of each panel ends."""
    if shared:
        every = np.concatenate([panel.values[panel.judged] for panel in panels])
        return [scale_end(every)] * len(panels)
    return [scale_end(panel.values[panel.judged]) for panel in panels]


def _scale(ax: Axes, mesh: QuadMesh, panel: Panel) -> None:
    """Draw the scale as high as the matrix, labeled at both ends and in the middle."""
    inset = ax.inset_axes((1.04, 0, 0.045, 1))
    _, end = mesh.get_clim()
    exceeded = np.max(panel.values, initial=0.0, where=panel.judged) > end
    bar = ax.figure.colorbar(mesh, cax=inset, ticks=[0, end / 2, end], extend="max" if exceeded else "neither")
    bar.ax.set_yticklabels(["0", f"{end / 2:.2f}", f"{end:.2f}"])
    bar.outline.set_linewidth(0.4)  # type: ignore[operator]
    bar.ax.tick_params(labelsize=_LABEL_PT, length=2, width=0.4, pad=1.5)


def _repeats(before: Panel, panel: Panel) -> bool:
    """Whether the labels of the rows are those of the panel before, and need not be written again."""
    return not panel.row_title and list(panel.rows) == list(before.rows)


def _side_by_side(panels: Sequence[Panel]) -> bool:
    return all(max(np.shape(panel.values)) <= SIDE_BY_SIDE for panel in panels)


def _check(panel: Panel) -> None:
    shape = np.shape(panel.values)
    if shape != (len(panel.rows), len(panel.columns)):
        raise ValueError(f"{panel.title}: values {shape} for {len(panel.rows)} and {len(panel.columns)} layers")
    if panel.judged.shape != shape:
        raise ValueError(f"{panel.title}: values {shape}, but {panel.judged.shape} of them are told to be by chance")
    if not np.isfinite(panel.values).all() or np.min(panel.values) < 0:
        raise ValueError(f"{panel.title}: similarities must be finite and not negative")


def _matrix(ax: Axes, panel: Panel, end: float, *, numbered: bool) -> QuadMesh:
    numbers = np.array([[_number(value) for value in row] for row in panel.values], dtype=object)
    numbers[~panel.judged] = ""
    sns.heatmap(
        panel.values,
        ax=ax,
        vmin=0,
        vmax=end,
        cmap=style.sequential(),
        cbar=False,
        square=True,
        rasterized=True,
        annot=numbers if numbered else None,
        fmt="",
        annot_kws={"fontsize": _NUMBER_PT},
        xticklabels=[shortened(label, _LABEL_IN, _LABEL_PT) for label in panel.columns],
        yticklabels=[shortened(label, _LABEL_IN, _LABEL_PT) for label in panel.rows],
    )
    (mesh,) = (each for each in ax.collections if isinstance(each, QuadMesh))
    for row, column in np.argwhere(~panel.judged).tolist():
        ax.add_patch(Rectangle((column, row), 1, 1, facecolor="white", edgecolor="0.7", hatch="//////", linewidth=0))
    rows, columns = panel.values.shape
    ax.plot(
        [0.5, columns - 0.5], [0.5, rows - 0.5], color=EQUAL_DEPTH, linestyle=(0, (2.5, 2)), linewidth=0.7, zorder=2
    )
    known = np.where(panel.judged, panel.values, -1.0)
    for row, column in enumerate(np.argmax(known, axis=1).tolist()):
        if panel.judged[row, column]:
            _mark(ax, row, column, panel.values[row, column] / end, framed=numbered)
    ax.tick_params(length=0, pad=2, labelsize=_LABEL_PT)
    ax.tick_params(axis="x", labelrotation=90)
    ax.tick_params(axis="y", labelrotation=0)
    for side in ax.spines.values():
        side.set(visible=True, linewidth=0.4)
    return mesh


def _mark(ax: Axes, row: int, column: int, share: float, *, framed: bool) -> None:
    """Mark a best match, whose value is a share of the scale's end."""
    if framed:
        look: dict[str, Any] = {"facecolor": "none", "edgecolor": BEST, "linewidth": 1.2, "zorder": 4}
        ax.add_patch(Rectangle((column + 0.04, row + 0.04), 0.92, 0.92, **look))
        return
    bright = _brightness(style.sequential()(min(1.0, share))) > _BRIGHT
    ax.plot(column + 0.5, row + 0.5, "o", markersize=2.2, markeredgewidth=0, color="black" if bright else "white")


def _number(value: float) -> str:
    """Return a similarity in two digits, as there is room for: without its leading zero, and 1 alone."""
    shown = f"{value:.2f}"
    return {"1.00": "1", "0.00": "0"}.get(shown, shown.removeprefix("0"))


def _titles(ax: Axes, panel: Panel, room_in: tuple[float, float]) -> None:
    """Write the title and the names of the networks, shortened to the room across and up."""
    across, up = room_in
    ax.set_title(shortened(panel.title, across, 7.5), fontsize=7.5)
    ax.set_xlabel(shortened(panel.column_title, across, 7), fontsize=7)
    ax.set_ylabel(shortened(panel.row_title, up, 7), fontsize=7)


def _brightness(color: ArrayLike) -> float:
    red, green, blue = np.asarray(color, np.float64)[:3]
    return float(0.299 * red + 0.587 * green + 0.114 * blue)
