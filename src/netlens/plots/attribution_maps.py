"""Sheets of attribution maps: over the image, as two colors, and the keys to the colors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.fitted_text import shortened
from netlens.plots.signed_colors import signed_colors
from netlens.spatial_attribution.two_classes import two_class_colors

#: Contrast of the image under an attribution; the rest is white, so that colors keep their meaning.
_IMAGE_SHARE: Final = 0.55
#: How dark the darkest parts of the image make the colors of two classes.
_SHADE: Final = 0.5
#: A sheet has at most so many columns of maps beside the image; more are too small to be recognized.
MOST_COLUMNS: Final = 3
_FRAME: Final = "#888888"
# Width of a panel at most.
_WIDEST_IN: Final = 1.6
_SIZE_PT: Final = 8.0


@dataclass(frozen=True)
class Grid:
    """A grid of panels of equal size, laid out in inches.

    Attributes
    ----------
    rows, columns
        Numbers of panels.
    aspect
        Height of a panel over its width.
    left_in
        Space for the labels of the rows.
    width_in
        Width of the whole figure.
    top_in
        Space for the titles of the columns, two lines each.
    gap_in
        Distance between panels.
    """

    rows: int
    columns: int
    aspect: float
    left_in: float = 0.16
    width_in: float = style.FULL_WIDTH_IN
    top_in: float = 0.36
    gap_in: float = 0.05

    def panel_in(self) -> tuple[float, float]:
        """Return a panel's width and height."""
        width = (self.width_in - self.left_in - 0.03 - (self.columns - 1) * self.gap_in) / self.columns
        return width, width * self.aspect

    def size_in(self, *, bottom_in: float) -> tuple[float, float]:
        """Return the figure's width and height, with space for a key at the bottom."""
        height = self.panel_in()[1]
        return self.width_in, self.top_in + self.rows * (height + self.gap_in) + bottom_in

    def place(self, fig: Figure, row: int, column: int) -> Axes:
        """Add a panel without ticks to the figure."""
        wide, tall = self.panel_in()
        left = self.left_in + column * (wide + self.gap_in)
        top = self.top_in + row * (tall + self.gap_in)
        ax = _axes(fig, left, top, wide, tall)
        finish(ax)
        return ax

    def title(self, fig: Figure, column: int, words: str) -> None:
        """Write a title above a column; lines that are wider are shortened."""
        wide, _ = self.panel_in()
        centre = self.left_in + column * (wide + self.gap_in) + wide / 2
        shown = "\n".join(shortened(line, wide, _SIZE_PT) for line in words.split("\n"))
        _words(fig, centre, self.top_in - 0.04, shown, ha="center", va="bottom")

    def row_label(self, fig: Figure, row: int, words: str, *, rows: int = 1) -> None:
        """Write a label to the left of a row, or of several rows, reading upwards; a longer one is shortened."""
        _, tall = self.panel_in()
        middle = self.top_in + (row + rows / 2) * (tall + self.gap_in) - self.gap_in / 2
        shown = shortened(words, rows * (tall + self.gap_in) - self.gap_in, _SIZE_PT)
        _words(fig, self.left_in - 0.04, middle, shown, ha="right", va="center", rotation=90)


def class_sheet(
    image: NDArray[np.uint8],
    class_names: Sequence[str],
    labels: Sequence[str],
    maps: Sequence[NDArray[np.floating[Any]]],
) -> Figure:
    """Draw maps of two classes over the image: one row per class, and one row of both classes as colors.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    class_names
        Names of the two classes.
    labels
        What each column shows, such as a layer, in one or two lines.
    maps
        For each column, (2, layer height, layer width). Both classes share the scale of their column.

    Returns
    -------
    Figure
        As wide as the page, or narrower where there are few columns.
    """
    aspect = image.shape[0] / image.shape[1]
    width = min(style.FULL_WIDTH_IN, 0.4 + _WIDEST_IN * (len(maps) + 1))
    grid = Grid(rows=3, columns=len(maps) + 1, aspect=aspect, width_in=width)
    fig = plt.figure(figsize=grid.size_in(bottom_in=0.3), layout="none")
    grid.place(fig, 0, 0).imshow(image)
    grid.title(fig, 0, "image")
    for row, name in enumerate(class_names):
        grid.row_label(fig, row, name)
        for column, values in enumerate(maps, start=1):
            overlay(grid.place(fig, row, column), image, values[row], limit=np.abs(values).max())
    grid.row_label(fig, 2, "both")
    for column, (label, values) in enumerate(zip(labels, maps, strict=True), start=1):
        grid.title(fig, column, label)
        overlay_both(grid.place(fig, 2, column), image, values[0], values[1])
    rising = np.linspace(0, 1, 64)[None]
    ramps = [two_class_colors(*pair) for pair in ((rising, 0 * rising), (0 * rising, rising), (rising, rising))]
    color_key(grid.place(fig, 2, 0), [ramp[0] for ramp in ramps], [*class_names, "both alike"])
    signed_key(fig, grid)
    return fig


def position_sheet(
    image: NDArray[np.uint8],
    target_label: str,
    target_size: tuple[int, int],
    positions: Mapping[str, tuple[int, int]],
    sources: Mapping[str, NDArray[np.floating[Any]]],
) -> Figure:
    """Draw what positions of a layer are made of: one row per position, one column per earlier layer.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    target_label, target_size
        Label and (height, width) of the later layer.
    positions
        By the label of each, (row, column) of its positions.
    sources
        By the label of each earlier layer, the maps of the positions, (positions, source height, source width). Every
        panel has its own scale.

    Returns
    -------
    Figure
        As wide as the page, or narrower where there are few earlier layers.
    """
    aspect = image.shape[0] / image.shape[1]
    width = min(style.FULL_WIDTH_IN, 0.4 + _WIDEST_IN * (len(sources) + 1))
    grid = Grid(rows=len(positions), columns=len(sources) + 1, aspect=aspect, width_in=width)
    fig = plt.figure(figsize=grid.size_in(bottom_in=0.3), layout="none")
    grid.title(fig, 0, f"position in\n{target_label}")
    for column, label in enumerate(sources, start=1):
        grid.title(fig, column, f"from\n{label}")
    for row, (label, position) in enumerate(positions.items()):
        grid.row_label(fig, row, label)
        ax = grid.place(fig, row, 0)
        ax.imshow(image)
        mark(ax, image, position, target_size)
        for column, maps in enumerate(sources.values(), start=1):
            ax = grid.place(fig, row, column)
            overlay(ax, image, maps[row])
            mark(ax, image, position, target_size)
    signed_key(fig, grid)
    return fig


def finish(ax: Axes) -> None:
    """Remove the ticks and draw a thin frame."""
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(linewidth=0.4, color=_FRAME)


def overlay(ax: Axes, image: NDArray[np.uint8], values: ArrayLike, *, limit: float | None = None) -> None:
    """Draw signed attribution over a pale gray image, each position as the rectangle that it covers.

    Parameters
    ----------
    ax
        Axes to draw on.
    image
        (height, width, 3), uint8.
    values
        (rows, columns), attribution of each position.
    limit
        Magnitude shown in full color; by default, the largest. A map of zeros has no color.
    """
    maps = np.asarray(values, np.float64)
    largest = float(np.abs(maps).max()) if limit is None else float(limit)
    extent = (0.0, float(image.shape[1]), float(image.shape[0]), 0.0)
    ax.imshow(1 - _IMAGE_SHARE * (1 - _grey(image)), cmap="gray", vmin=0, vmax=1, extent=extent)
    strength = np.clip(np.abs(maps) / largest, 0, 1) if largest > 0 else np.zeros_like(maps)
    colors = signed_colors(maps, limit=largest or 1.0)
    ax.imshow(np.concatenate([colors, _opacity(strength)[..., None]], axis=-1), extent=extent)


def overlay_both(ax: Axes, image: NDArray[np.uint8], first: ArrayLike, second: ArrayLike) -> None:
    """Draw the attribution to two classes as `two_class_colors`, darker where the image is dark.

    Parameters
    ----------
    ax
        Axes to draw on.
    image
        (height, width, 3), uint8.
    first, second
        (rows, columns), the attributions to the two classes.
    """
    extent = (0.0, float(image.shape[1]), float(image.shape[0]), 0.0)
    ax.imshow(two_class_colors(first, second), extent=extent)
    shade = np.zeros((*image.shape[:2], 4))
    shade[..., 3] = _SHADE * (1 - _grey(image))
    ax.imshow(shade, extent=extent)


def color_key(ax: Axes, ramps: Sequence[ArrayLike], names: Sequence[str]) -> None:
    """Explain colors in a panel of their own: each ramp, (n, 3) in 0..1 from weak to strong, has a name."""
    room_in = ax.get_position().width * ax.figure.get_size_inches()[0]  # type: ignore[union-attr]
    ax.set(xlim=(0, 1), ylim=(len(names), 0))
    for spine in ax.spines.values():
        spine.set_visible(False)
    for row, (ramp, name) in enumerate(zip(ramps, names, strict=True)):
        box = ax.inset_axes((0.0, row + 0.5, 0.98, 0.36), transform=ax.transData)
        box.imshow(np.asarray(ramp)[None], aspect="auto")
        finish(box)
        ax.text(0.0, row + 0.42, shortened(name, room_in, 7), va="bottom", fontsize=7)


def mark(ax: Axes, image: NDArray[np.uint8], position: tuple[int, int], size: ArrayLike) -> None:
    """Draw a frame around the part of the image that a position of a layer of `size` (height, width) covers."""
    rows, columns = (int(length) for length in np.asarray(size))
    tall, wide = image.shape[0] / rows, image.shape[1] / columns
    # Without an extent, imshow starts half a pixel before 0.
    shift = 0.5 if ax.images and ax.images[0].get_extent()[0] < 0 else 0.0
    corner = position[1] * wide - shift, position[0] * tall - shift
    for color, width in (("white", 2.0), ("black", 0.8)):
        ax.add_patch(Rectangle(corner, wide, tall, fill=False, edgecolor=color, linewidth=width))


def signed_key(fig: Figure, grid: Grid) -> None:
    """Draw the color scale of `overlay` below the panels."""
    _, tall = grid.panel_in()
    top = grid.top_in + grid.rows * (tall + grid.gap_in) + 0.04
    width = min(1.6, grid.width_in / 3)
    ax = _axes(fig, grid.width_in - 0.03 - width, top, width, 0.07)
    steps = np.linspace(-1, 1, 255)[None]
    colors = signed_colors(steps, limit=1.0)
    shade = _opacity(np.abs(steps))[..., None]
    ax.imshow(colors * shade + (1 - shade), extent=(-1, 1, 0, 1), aspect="auto")
    finish(ax)
    ax.set_xticks([-1, 0, 1], ["against", "0", "for"])
    ax.tick_params(length=2, pad=2)
    first, _, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")


def _grey(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the brightness of an image, (height, width), 0..1."""
    grey: NDArray[np.float64] = np.asarray(image, np.float64) @ np.array([0.299, 0.587, 0.114]) / 255
    return grey


def _opacity(strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much the color of an attribution covers the image; more than in proportion, so that weak ones show."""
    opacity: NDArray[np.float64] = 0.9 * np.sqrt(strength)
    return opacity


def _axes(fig: Figure, left_in: float, top_in: float, wide_in: float, tall_in: float) -> Axes:
    width, height = fig.get_size_inches()
    return fig.add_axes((left_in / width, 1 - (top_in + tall_in) / height, wide_in / width, tall_in / height))


def _words(fig: Figure, left_in: float, top_in: float, words: str, **settings: Any) -> None:
    width, height = fig.get_size_inches()
    fig.text(left_in / width, 1 - top_in / height, words, fontsize=_SIZE_PT, **settings)
