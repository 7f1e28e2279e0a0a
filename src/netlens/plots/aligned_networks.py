"""Layers of two networks side by side, joined by lines whose strength shows how similar the layers are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.network_graph import LayerGraph
from netlens.plots import style
from netlens.plots.fitted_text import shortened, width_in
from netlens.plots.similarity_matrices import scale_end

#: Fractions of a full line's similarity that the key shows.
KEY_SHARES: Final = (0.25, 0.5, 1.0)

_ROW_IN: Final = 0.26
_TOP_IN, _BOTTOM_IN = 0.3, 0.42
_WIDEST_PT: Final = 2.2
# Space beside the columns for labels and half of the network's name; longer text is shortened in the middle.
_LEAST_IN, _MOST_IN, _EDGE_IN = 0.75, 1.4, 0.05
# Distance from a column to its labels, and extra space for connections that bypass other layers.
_BESIDE_IN, _BOW_IN = 0.09, 0.2
_LABEL_PT, _NAME_PT = 7.0, 7.5
_LINE: Final = style.PALETTE[0]
_BEST: Final = style.PALETTE[3]


@dataclass(frozen=True)
class Side:
    """One network's column.

    Attributes
    ----------
    network
        The network's name.
    labels
        Labels of the layers, in network order.
    edges
        (k, 2) int: from layer, to layer, as indices.
    """

    network: str
    labels: tuple[str, ...]
    edges: NDArray[np.int64]


def side_of(graph: LayerGraph, layers: Sequence[str]) -> Side:
    """Return the column of one network.

    Parameters
    ----------
    graph
        The network's layers and connections.
    layers
        Layers of the similarities, in their order.

    Raises
    ------
    ValueError
        They are not the graph's layers, so lines would join the wrong ones.
    """
    if list(graph.names) != list(layers):
        raise ValueError(f"the similarities are of other layers of {graph.network} than its graph: compute both again")
    return Side(graph.network, graph.labels, graph.edges)


def height_in(sides: Sequence[Side]) -> float:
    """Return the height that the figure needs, in inches."""
    return _TOP_IN + _BOTTOM_IN + _ROW_IN * max(len(side.labels) for side in sides)


def draw(fig: Figure, sides: Sequence[Side], values: ArrayLike, by_chance: NDArray[np.bool_] | None = None) -> None:
    """Draw both columns, the lines between them, and the key.

    Parameters
    ----------
    fig
        Empty figure of the height `height_in`, without a layout engine.
    sides
        The left and the right column. Layers are placed by depth, so that the first layers are beside each other and so
        are the last.
    values
        (layers on the left, layers on the right), finite, not negative. Opacity and width of a line are its value over
        the end of the scale (`netlens.plots.similarity_matrices.scale_end`), at most 1; the best match of each layer on
        the left has another color.
    by_chance
        (layers on the left, layers on the right) bool: values that are no larger than those of unrelated activations,
        which have no line; None: no value is known to be.

    Raises
    ------
    ValueError
        The values do not fit these layers, or are negative or not finite.
    """
    similarities = np.asarray(values, np.float64)
    left, right = sides
    if similarities.shape != (len(left.labels), len(right.labels)):
        raise ValueError(
            f"similarities of shape {similarities.shape} for {len(left.labels)} and {len(right.labels)} layers"
        )
    if not (np.isfinite(similarities).all() and similarities.min() >= 0):
        raise ValueError("similarities that are negative or not finite cannot be drawn as opacity")
    height = float(fig.get_size_inches()[1])
    ax = fig.add_axes((0, _BOTTOM_IN / height, 1, 1 - (_TOP_IN + _BOTTOM_IN) / height))
    ax.set(xlim=(0, 1), ylim=(1, 0))
    ax.axis("off")
    depths = [_depths(len(side.labels), max(len(left.labels), len(right.labels))) for side in sides]
    width = float(fig.get_size_inches()[0])
    across = (_margin_in(left) / width, 1 - _margin_in(right) / width)
    judged = np.ones(similarities.shape, bool) if by_chance is None else ~by_chance
    end = scale_end(similarities[judged])
    _lines(ax, np.where(judged, similarities / end, 0), depths, across)
    for side, depth, place, outwards in zip(sides, depths, across, (-1, 1), strict=True):
        _column(ax, side, depth, place, outwards)
    _key(fig, end, exceeded=bool(similarities.max(initial=0, where=judged) > end))


def _margin_in(side: Side) -> float:
    """Return the space between a column and the figure's edge."""
    labels = max(width_in(label, _LABEL_PT) for label in side.labels) + _beside_in(side)
    return min(max(_LEAST_IN, _EDGE_IN + labels, _EDGE_IN + width_in(side.network, _NAME_PT, bold=True) / 2), _MOST_IN)


def _beside_in(side: Side) -> float:
    return _BESIDE_IN + _BOW_IN * any(user != source + 1 for source, user in side.edges)


def _depths(count: int, most: int) -> NDArray[np.float64]:
    """Return the distances from the top at which the first and last layers of both columns are beside each other."""
    margin = 0.5 / most
    return np.linspace(margin, 1 - margin, count) if count > 1 else np.array([0.5])


def _strength(share: float, *, best: bool) -> dict[str, Any]:
    """Return opacity and width of a line by its fraction of the value of a full line."""
    return {"alpha": share, "lw": _WIDEST_PT * share, "color": _BEST if best else _LINE, "zorder": 2 + share + 2 * best}


def _lines(
    ax: Axes, shares: NDArray[np.float64], depths: Sequence[NDArray[np.float64]], across: tuple[float, float]
) -> None:
    best = shares.argmax(axis=1)
    for row, column in np.ndindex(*shares.shape):
        share = min(1.0, float(shares[row, column]))
        ax.plot(
            across,
            [depths[0][row], depths[1][column]],
            solid_capstyle="butt",
            **_strength(share, best=bool(column == best[row])),
        )


def _column(ax: Axes, side: Side, depths: NDArray[np.float64], across: float, outwards: int) -> None:
    width = float(ax.figure.get_size_inches()[0])  # type: ignore[union-attr]
    for source, user in side.edges:
        start, end = depths[source], depths[user]
        # A connection that bypasses other layers is an arc on the outside.
        bow = 0 if user == source + 1 else 4 / 3 * (_BOW_IN - 0.03) / width * outwards
        points = [(across, start), (across + bow, start), (across + bow, end), (across, end)]
        curve = Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
        ax.add_patch(PathPatch(curve, fill=False, ec="0.35", lw=0.8, zorder=6))
    ax.scatter(np.full(len(depths), across), depths, s=22, c="white", edgecolors="0.15", linewidths=0.9, zorder=7)
    beside = _beside_in(side)
    for label, depth in zip(side.labels, depths, strict=True):
        words = shortened(label, _MOST_IN - _EDGE_IN - beside, _LABEL_PT)
        place = across + beside / width * outwards
        ax.text(place, depth, words, ha="right" if outwards < 0 else "left", va="center", fontsize=_LABEL_PT, zorder=8)
    name = shortened(side.network, 2 * (_MOST_IN - _EDGE_IN), _NAME_PT, bold=True)
    ax.annotate(
        name, (across, 0), (0, 5), textcoords="offset points", ha="center", va="bottom", fontsize=_NAME_PT,
        fontweight="bold", annotation_clip=False,
    )  # fmt: skip


def _key(fig: Figure, end: float, *, exceeded: bool) -> None:
    shares = [(share, False, f"{100 * share:.0f}%") for share in KEY_SHARES]
    handles = [
        Line2D([], [], label=text, **{k: v for k, v in _strength(share, best=best).items() if k != "zorder"})
        for share, best, text in [*shares, (1.0, True, "best match of a layer on the left")]
    ]
    of_what = f"{end:.2f} (at most 100%)" if exceeded else f"the largest ({end:.2f})"
    fig.legend(
        handles=handles, loc="lower center", ncols=len(handles), fontsize=6.5, handlelength=1.6, columnspacing=1.2,
        handletextpad=0.5, borderaxespad=0.3, title=f"whitened similarity, share of {of_what}",
        title_fontsize=6.5,
    )  # fmt: skip
