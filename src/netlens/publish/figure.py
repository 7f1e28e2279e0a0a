"""Save a figure with the numbers that it shows, the same bytes every time."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.text import Text

from netlens.files.arrays import save_arrays
from netlens.files.atomic import writing
from netlens.publish.description import write_description
from netlens.publish.shown import SavedFigure

if TYPE_CHECKING:
    import pandas as pd


class ClippedTextError(ValueError):
    """A text of the figure reaches over the figure's edge and would be cut off in print."""


#: What a text may reach over the edge, in points: anti-aliasing, not a letter.
_SLACK_PT = 1.0


def overflow(fig: Figure) -> list[str]:
    """Say what `fig` draws over its own edge: the texts that do, or the side when it is no text; empty if nothing."""
    fig.canvas.draw()
    drawn = fig.get_tightbbox(fig.canvas.get_renderer())  # type: ignore[attr-defined]
    width_in, height_in = fig.get_size_inches()
    slack_in = _SLACK_PT / 72
    sides = {
        "left": drawn.x0 < -slack_in,
        "bottom": drawn.y0 < -slack_in,
        "right": drawn.x1 > width_in + slack_in,
        "top": drawn.y1 > height_in + slack_in,
    }
    if not any(sides.values()):
        return []
    box = fig.bbox.padded(_SLACK_PT * fig.dpi / 72)
    texts = [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]
    extents = [(text.get_text(), text.get_window_extent()) for text in texts]
    # A tick label beyond its axis exists as a text, but is not drawn; it can be named here by mistake, not missed.
    over = [
        words
        for words, extent in extents
        if box.overlaps(extent)
        and (extent.x0 < box.x0 or extent.y0 < box.y0 or extent.x1 > box.x1 or extent.y1 > box.y1)
    ]
    return over or [f"something at the {side}" for side, over_edge in sides.items() if over_edge]


def save(fig: Figure, stem: str | Path, data: "pd.DataFrame | Mapping[str, np.ndarray]") -> SavedFigure:
    """Save `fig` and the plotted numbers, then close it.

    Writes ``<stem>.pdf``, ``<stem>.png`` (200 dpi), the data as ``<stem>.csv`` (a table) or ``<stem>.npz`` (arrays),
    and ``<stem>.json`` with the size. The bytes depend on the figure and the matplotlib version only: no dates, no
    program names.

    Parameters
    ----------
    fig
        The figure, drawn after `netlens.plots.style.paper`.
    stem
        Output path without suffix.
    data
        What is plotted: a DataFrame, or named arrays for images and matrices.

    Returns
    -------
    SavedFigure
        A notebook's cell that ends with it shows the figure.

    Raises
    ------
    ClippedTextError
        When a text reaches over the figure's edge.
    ValueError
        When `data` is empty.
    """
    if len(data) == 0:
        raise ValueError(f"{stem}: a figure is saved with the numbers that it shows, but its data is empty")
    if clipped := overflow(fig):
        raise ClippedTextError(f"{stem}: cut off at the figure's edge: {', '.join(map(repr, clipped))}")
    if fig.get_layout_engine() is None:
        # To matplotlib, none is the default of its settings once a figure has been saved, so a figure that was laid out
        # by hand would be laid out anew before it is saved a second time.
        fig.set_layout_engine(PlaceHolderLayoutEngine(adjust_compatible=True, colorbar_gridspec=False))
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
    return SavedFigure(str(stem), (width_in, height_in))
