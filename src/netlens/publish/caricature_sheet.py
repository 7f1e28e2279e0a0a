"""Sheets of caricatures: the image, and beside it a picture a layer, in lines of few enough to be seen in print."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.publish import style
from netlens.publish.unit_panels import draw_picture, panel, words

_LABEL_PT: Final = 6.5
_COLUMNS: Final = 9  # with the image's
_EDGE_IN: Final = 0.03
_ROWS_IN: Final = 0.14  # the rows' labels, behind the image
_GAP_IN: Final = 0.05
_HEADING_IN: Final = 0.18
_TITLE_IN: Final = 0.15  # a line's layers
_BETWEEN_IN: Final = 0.07  # lines
_SIDE_IN: Final = (style.FULL_WIDTH_IN - 2 * _EDGE_IN - _ROWS_IN + _GAP_IN) / _COLUMNS - _GAP_IN
_STEP_IN: Final = _SIDE_IN + _GAP_IN
_START_IN: Final = _EDGE_IN + _STEP_IN + _ROWS_IN  # the first layer


@dataclass(frozen=True)
class Band:
    """Pictures of one network.

    Attributes
    ----------
    labels
        n layers, in network order.
    pictures
        What is written beside each row -> (n, size, size, 3), uint8.
    heading
        What is written above; empty: nothing.
    """

    labels: Sequence[str]
    pictures: dict[str, NDArray[np.uint8]]
    heading: str = ""

    def lines(self) -> list[slice]:
        """Deal the layers to lines, as evenly as can be."""
        count = len(self.labels)
        lines_count = -(-count // (_COLUMNS - 1))
        bounds = [round(line * count / lines_count) for line in range(lines_count + 1)]
        return [slice(start, end) for start, end in pairwise(bounds)]

    def height_in(self) -> float:
        """Give what the band takes."""
        line_in = _TITLE_IN + len(self.pictures) * _STEP_IN + _BETWEEN_IN
        return (_HEADING_IN if self.heading else 0.0) + len(self.lines()) * line_in


def sheet(image: NDArray[Any], bands: Sequence[Band]) -> Figure:
    """Draw the image and the bands of its caricatures, one below the other.

    Parameters
    ----------
    image
        (size, size, 3), uint8: drawn once, before the first layer of the first band.
    bands
        At least one, of at least one layer and one row each.

    Returns
    -------
    Figure
        Drawn after `netlens.publish.style.paper`; not wider than the page.

    Raises
    ------
    ValueError
        There is nothing to draw, or a row does not have a picture a layer.
    """
    if not bands:
        raise ValueError("a sheet of caricatures needs at least one band")
    for band in bands:
        if not band.labels or not band.pictures:
            raise ValueError("a band of caricatures needs at least one layer and one row of pictures")
        for row, pictures in band.pictures.items():
            if len(pictures) != len(band.labels):
                raise ValueError(f"row {row!r} has {len(pictures)} pictures for {len(band.labels)} layers")
    columns = max(line.stop - line.start for band in bands for line in band.lines())
    width_in = _START_IN + columns * _STEP_IN - _GAP_IN + _EDGE_IN
    height_in = sum(band.height_in() for band in bands) - _BETWEEN_IN + _EDGE_IN
    fig = plt.figure(figsize=(width_in, height_in), layout="none")
    top_in = 0.0
    for place, band in enumerate(bands):
        _draw(fig, band, top_in, image if place == 0 else None)
        top_in += band.height_in()
    return fig


def _draw(fig: Figure, band: Band, top_in: float, image: NDArray[Any] | None) -> None:
    if band.heading:
        words(fig, _START_IN, top_in + 0.03, band.heading)
        top_in += _HEADING_IN
    for line in band.lines():
        top_in += _TITLE_IN
        if image is not None:
            middle_in = top_in + (len(band.pictures) - 1) * _STEP_IN / 2
            draw_picture(panel(fig, _EDGE_IN, middle_in, _SIDE_IN), image, "image", size_pt=_LABEL_PT)
            image = None
        for row, (name, pictures) in enumerate(band.pictures.items()):
            row_in = top_in + row * _STEP_IN
            words(
                fig, _START_IN - 0.03, row_in + _SIDE_IN / 2, name,
                ha="right", va="center", rotation=90, fontsize=_LABEL_PT,
            )  # fmt: skip
            for column, (label, picture) in enumerate(zip(band.labels[line], pictures[line], strict=True)):
                ax = panel(fig, _START_IN + column * _STEP_IN, row_in, _SIDE_IN)
                draw_picture(ax, picture, "" if row else label, size_pt=_LABEL_PT)
        top_in += len(band.pictures) * _STEP_IN + _BETWEEN_IN
