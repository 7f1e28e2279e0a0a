"""Save a figure with the numbers that it shows, the same bytes every time."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Text

from netlens.atomic import writing
from netlens.data.arrays import save_arrays
from netlens.publish.description import write_description

if TYPE_CHECKING:
    import pandas as pd


class ClippedTextError(ValueError):
    """A text of the figure reaches over the figure's edge and would be cut off in print."""


#: What a text may reach over the edge, in points: anti-aliasing, not a letter.
_SLACK_PT = 1.0


def clipped_texts(fig: Figure) -> list[str]:
    """List the visible texts of `fig` that reach over its edge."""
    fig.canvas.draw()
    box = fig.bbox.padded(_SLACK_PT * fig.dpi / 72)
    clipped = []
    for text in fig.findobj(Text):
        if not text.get_visible() or not text.get_text().strip():
            continue
        if text.axes is not None and not text.axes.get_visible():
            continue
        extent = text.get_window_extent()
        # Tick labels beyond the axis limits exist as artists, but are not drawn: those have no place on the canvas.
        if not box.overlaps(extent):
            continue
        if extent.x0 < box.x0 or extent.y0 < box.y0 or extent.x1 > box.x1 or extent.y1 > box.y1:
            clipped.append(text.get_text())
    return clipped


def save(fig: Figure, stem: str | Path, data: "pd.DataFrame | Mapping[str, np.ndarray]") -> None:
    """Save `fig` and the plotted numbers, then close it.

    Writes ``<stem>.pdf``, ``<stem>.png`` (200 dpi), the data as ``<stem>.csv`` (a table) or ``<stem>.npz`` (arrays),
    and ``<stem>.json`` with the size. The bytes depend on the figure and the matplotlib version only: no dates, no
    program names.

    Parameters
    ----------
    fig
        The figure, drawn after `netlens.publish.style.paper`.
    stem
        Output path without suffix.
    data
        What is plotted: a DataFrame, or named arrays for images and matrices.

    Raises
    ------
    ClippedTextError
        When a text reaches over the figure's edge.
    ValueError
        When `data` is empty.
    """
    if len(data) == 0:
        raise ValueError(f"{stem}: a figure is saved with the numbers that it shows, but its data is empty")
    if clipped := clipped_texts(fig):
        raise ClippedTextError(f"{stem}: cut off at the figure's edge: {', '.join(map(repr, clipped))}")
    with writing(f"{stem}.pdf") as temporary:
        fig.savefig(temporary, metadata={"Creator": None, "Producer": None, "CreationDate": None})
    with writing(f"{stem}.png") as temporary:
        fig.savefig(temporary, metadata={"Software": None})
    if isinstance(data, Mapping):
        save_arrays(f"{stem}.npz", data)
    else:
        with writing(f"{stem}.csv") as temporary:
            data.to_csv(temporary, index=False, float_format="%.17g", lineterminator="\n")
    width_in, height_in = (float(x) for x in fig.get_size_inches())
    write_description(stem, {"kind": "figure", "size_in": [width_in, height_in]})
    plt.close(fig)
