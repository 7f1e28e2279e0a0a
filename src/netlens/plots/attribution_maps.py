"""Panels of attribution maps: over the image, as two colours, and the keys to their colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.signed_colors import signed_colors

#: Of the image under an attribution: the rest is taken to white, so that colours keep their meaning.
_IMAGE_SHARE: Final = 0.35
_FRAME: Final = "#888888"


@dataclass(frozen=True)
class Grid:
    """A grid of panels of equal size, laid out in inches.

    Attributes
    ----------
    rows, columns
        Panels.
    aspect
        Height of a panel over its width.
    left_in
        Room for the rows' labels.
    width_in
        Of the whole figure.
    top_in
        Room for the columns' titles, of two lines.
    gap_in
        Between panels.
    """

    rows: int
    columns: int
    aspect: float
    left_in: float = 0.16
    width_in: float = style.FULL_WIDTH_IN
    top_in: float = 0.36
    gap_in: float = 0.05

    def panel_in(self) -> tuple[float, float]:
        """Give a panel's width and height."""
        width = (self.width_in - self.left_in - 0.03 - (self.columns - 1) * self.gap_in) / self.columns
        return width, width * self.aspect

    def size_in(self, *, bottom_in: float) -> tuple[float, float]:
        """Give the figure's width and height, with room at the bottom for a key."""
        height = self.panel_in()[1]
        return self.width_in, self.top_in + self.rows * (height + self.gap_in) + bottom_in

    def place(self, fig: Figure, row: int, column: int) -> Axes:
        """Add a panel without ticks."""
        wide, tall = self.panel_in()
        left = self.left_in + column * (wide + self.gap_in)
        top = self.top_in + row * (tall + self.gap_in)
        ax = _axes(fig, left, top, wide, tall)
        finish(ax)
        return ax

    def title(self, fig: Figure, column: int, words: str) -> None:
        """Write above a column."""
        wide, _ = self.panel_in()
        centre = self.left_in + column * (wide + self.gap_in) + wide / 2
        _words(fig, centre, self.top_in - 0.04, words, ha="center", va="bottom")

    def row_label(self, fig: Figure, row: int, words: str, *, rows: int = 1) -> None:
        """Write at the left of a row, or of several, upwards."""
        _, tall = self.panel_in()
        middle = self.top_in + (row + rows / 2) * (tall + self.gap_in) - self.gap_in / 2
        _words(fig, self.left_in - 0.04, middle, words, ha="right", va="center", rotation=90)


def finish(ax: Axes) -> None:
    """Take the ticks away and leave a thin frame."""
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(linewidth=0.4, color=_FRAME)


def overlay(ax: Axes, image: NDArray[np.uint8], values: ArrayLike, *, limit: float | None = None) -> None:
    """Draw signed attribution over a pale grey image, every position as the rectangle that it stands for.

    Parameters
    ----------
    ax
        Where to draw.
    image
        (height, width, 3).
    values
        (rows, columns) of positions.
    limit
        Magnitude of the end colours. Default: the largest; maps of zeros stay without colour.
    """
    maps = np.asarray(values, np.float64)
    largest = float(np.abs(maps).max()) if limit is None else float(limit)
    grey = np.asarray(image, np.float64) @ np.array([0.299, 0.587, 0.114]) / 255
    extent = (0.0, float(image.shape[1]), float(image.shape[0]), 0.0)
    ax.imshow(1 - _IMAGE_SHARE * (1 - grey), cmap="gray", vmin=0, vmax=1, extent=extent)
    strength = np.clip(np.abs(maps) / largest, 0, 1) if largest > 0 else np.zeros_like(maps)
    colors = signed_colors(maps, limit=largest or 1.0)
    ax.imshow(np.concatenate([colors, strength[..., None] ** 0.7 * 0.9], axis=-1), extent=extent)


def color_key(ax: Axes, ramps: Sequence[ArrayLike], names: Sequence[str]) -> None:
    """Say what colours stand for, in a panel of its own: each ramp, (n, 3) in 0..1 from weak to strong, has a name."""
    ax.set(xlim=(0, 1), ylim=(len(names), 0))
    for spine in ax.spines.values():
        spine.set_visible(False)
    for row, (ramp, name) in enumerate(zip(ramps, names, strict=True)):
        box = ax.inset_axes((0.0, row + 0.5, 0.98, 0.36), transform=ax.transData)
        box.imshow(np.asarray(ramp)[None], aspect="auto")
        finish(box)
        ax.text(0.0, row + 0.42, name, va="bottom", fontsize=7)


def mark(ax: Axes, image: NDArray[np.uint8], position: tuple[int, int], size: ArrayLike) -> None:
    """Draw a square around what a position of a layer of `size` (height, width) stands for."""
    rows, columns = (int(length) for length in np.asarray(size))
    tall, wide = image.shape[0] / rows, image.shape[1] / columns
    # imshow without extent begins half a pixel before 0.
    shift = 0.5 if ax.images and ax.images[0].get_extent()[0] < 0 else 0.0
    corner = position[1] * wide - shift, position[0] * tall - shift
    for color, width in (("white", 2.0), ("black", 0.8)):
        ax.add_patch(Rectangle(corner, wide, tall, fill=False, edgecolor=color, linewidth=width))


def signed_key(fig: Figure, grid: Grid) -> None:
    """Draw the scale of `overlay` below the panels."""
    _, tall = grid.panel_in()
    top = grid.top_in + grid.rows * (tall + grid.gap_in) + 0.04
    width = min(1.6, grid.width_in / 3)
    ax = _axes(fig, grid.width_in - 0.03 - width, top, width, 0.07)
    steps = np.linspace(-1, 1, 255)[None]
    colors = signed_colors(steps, limit=1.0)
    shade = (np.abs(steps) ** 0.7 * 0.9)[..., None]
    ax.imshow(colors * shade + (1 - shade), extent=(-1, 1, 0, 1), aspect="auto")
    finish(ax)
    ax.set_xticks([-1, 0, 1], ["against", "0", "for"])
    ax.tick_params(length=2, pad=2)
    first, _, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")


def _axes(fig: Figure, left_in: float, top_in: float, wide_in: float, tall_in: float) -> Axes:
    width, height = fig.get_size_inches()
    return fig.add_axes((left_in / width, 1 - (top_in + tall_in) / height, wide_in / width, tall_in / height))


def _words(fig: Figure, left_in: float, top_in: float, words: str, **settings: Any) -> None:
    width, height = fig.get_size_inches()
    fig.text(left_in / width, 1 - top_in / height, words, fontsize=8, **settings)
