"""Sheets of caricatures: the image and, beside it, one caricature per layer, in lines short enough for print."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.fitted_text import shortened, wrapped
from netlens.plots.unit_panels import draw_picture, panel, words

_LABEL_PT: Final = 6.5
_LINE_COUNT: Final = 10  # most layers per line
_LARGEST_IN: Final = 0.65  # side of an image
_EDGE_IN: Final = 0.03
_ROWS_IN: Final = 0.14  # labels of the rows, after the image
_GAP_IN: Final = 0.05
_HEADING_IN: Final = 0.18
_TITLE_IN: Final = 0.15  # labels of a line's layers
_SECOND_TITLE_IN: Final = 0.11  # a second line of labels
_BETWEEN_IN: Final = 0.07  # between lines


@dataclass(frozen=True)
class Band:
    """Caricatures of one network.

    Attributes
    ----------
    labels
        Labels of n layers, in network order.
    pictures
        By text beside the row: (n, size, size, 3) uint8.
    heading
        Text above the band; may be empty.
    """

    labels: Sequence[str]
    pictures: dict[str, NDArray[np.uint8]]
    heading: str = ""

    def lines(self) -> list[slice]:
        """Return the layers of each line, divided as evenly as possible."""
        count = len(self.labels)
        lines_count = -(-count // _LINE_COUNT)
        bounds = [round(line * count / lines_count) for line in range(lines_count + 1)]
        return [slice(start, end) for start, end in pairwise(bounds)]

    def titles(self, step_in: float) -> list[str]:
        """Return the labels, in one or two lines each, for a given distance from one image to the next."""
        return [wrapped(label, step_in - 0.02, _LABEL_PT) for label in self.labels]

    def title_in(self, step_in: float) -> float:
        """Return the height of the labels in inches."""
        return _TITLE_IN + _SECOND_TITLE_IN * any("\n" in title for title in self.titles(step_in))

    def height_in(self, step_in: float) -> float:
        """Return the band's height in inches for a given distance from one image to the next."""
        line_in = self.title_in(step_in) + len(self.pictures) * step_in + _BETWEEN_IN
        return (_HEADING_IN if self.heading else 0.0) + len(self.lines()) * line_in


def sheet(image: NDArray[Any], bands: Sequence[Band]) -> Figure:
    """Draw the image and the bands of its caricatures below each other.

    Parameters
    ----------
    image
        (size, size, 3) uint8, drawn once, before the first layer of the first band.
    bands
        At least one band, with at least one layer and one row each.

    Returns
    -------
    Figure
        Not wider than the page. Call `netlens.plots.style.pictures` before.

    Raises
    ------
    ValueError
        There is nothing to draw, or a row does not have one image per layer.
    """
    if not bands:
        raise ValueError("a sheet of caricatures needs at least one band")
    for band in bands:
        if not band.labels or not band.pictures:
            raise ValueError("a band of caricatures needs at least one layer and one row of pictures")
        for row, pictures in band.pictures.items():
            if len(pictures) != len(band.labels):
                raise ValueError(f"row {row!r} has {len(pictures)} pictures for {len(band.labels)} layers")
    columns = 1 + max(line.stop - line.start for band in bands for line in band.lines())
    outside_in = 2 * _EDGE_IN + _ROWS_IN - _GAP_IN
    step_in = min(_LARGEST_IN + _GAP_IN, (style.FULL_WIDTH_IN - outside_in) / columns)
    height_in = sum(band.height_in(step_in) for band in bands) - _BETWEEN_IN + _EDGE_IN
    fig = plt.figure(figsize=(outside_in + columns * step_in, height_in), layout="none")
    top_in = 0.0
    for place, band in enumerate(bands):
        _draw(fig, band, top_in, step_in, image if place == 0 else None)
        top_in += band.height_in(step_in)
    return fig


def _draw(fig: Figure, band: Band, top_in: float, step_in: float, image: NDArray[Any] | None) -> None:
    side_in, start_in = step_in - _GAP_IN, _EDGE_IN + step_in + _ROWS_IN
    if band.heading:
        room_in = float(fig.get_size_inches()[0]) - start_in - _EDGE_IN
        words(fig, start_in, top_in + 0.03, shortened(band.heading, room_in, 7))
        top_in += _HEADING_IN
    titles = band.titles(step_in)
    for line in band.lines():
        top_in += band.title_in(step_in)
        if image is not None:
            middle_in = top_in + (len(band.pictures) - 1) * step_in / 2
            draw_picture(panel(fig, _EDGE_IN, middle_in, side_in), image, "image", size_pt=_LABEL_PT)
            image = None
        for row, (name, pictures) in enumerate(band.pictures.items()):
            row_in = top_in + row * step_in
            words(
                fig, start_in - 0.03, row_in + side_in / 2, name,
                ha="right", va="center", rotation=90, fontsize=_LABEL_PT,
            )  # fmt: skip
            for column, (title, picture) in enumerate(zip(titles[line], pictures[line], strict=True)):
                ax = panel(fig, start_in + column * step_in, row_in, side_in)
                draw_picture(ax, picture, "" if row else title, size_pt=_LABEL_PT)
        top_in += len(band.pictures) * step_in + _BETWEEN_IN
