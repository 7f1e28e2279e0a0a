"""Saving of a figure together with the numbers that it shows, reproducibly to the byte."""

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axis import Axis, XAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

from netlens.files.arrays import save_arrays
from netlens.files.atomic import writing
from netlens.letters.glyphs import with_glyphs
from netlens.publish.compact_pdf import save_pdf
from netlens.publish.description import write_description
from netlens.publish.drawing import drawing
from netlens.publish.shown import SavedFigure

if TYPE_CHECKING:
    import pandas as pd


class ClippedTextError(ValueError):
    """Some text extends beyond the edge of the figure and would be cut off in print."""


#: How far text may extend beyond the edge, in points: enough for anti-aliasing, not for a letter.
_SLACK_PT = 1.0


#: Text is not made smaller than this, in points.
_SMALLEST_PT = 4.5
_ELLIPSIS = "…"
# What begins or ends a formula, if there is an even number of them.
_DOLLAR = re.compile(r"(?<!\\)\$")


def overflow(fig: Figure) -> list[str]:
    """Texts that extend beyond the edge of `fig`, or the sides if it is something else; empty if nothing does."""
    return _in_words(*_over_edge(fig))


def fit_text(fig: Figure) -> list[str]:
    """Make text that extends beyond the edge of `fig` smaller, and shorten it in the middle where that is not enough.

    A figure whose text fits is left as it is.

    Returns
    -------
    list of str
        Texts that extend beyond the edge nevertheless, as from `overflow`.
    """
    while True:
        texts, sides = _over_edge(fig)
        over = set(map(id, [*texts, *_greedy(fig)]))
        ticks = [(axis, labels) for axis, labels in _tick_labels(fig) if any(id(label) in over for label in labels)]
        over -= {id(label) for _, labels in ticks for label in labels}
        changed = [_smaller(text) or _shorter(text) for text in texts if id(text) in over]
        changed += [_smaller_ticks(axis, labels) or _shorter_ticks(axis, labels) for axis, labels in ticks]
        if not any(changed):
            return _in_words(texts, sides)


def _tick_labels(fig: Figure) -> list[tuple[Axis, list[Text]]]:
    """Axes of `fig` with the labels of their ticks, which have words only once they have been asked for."""
    found = [(axis, axis.get_majorticklabels()) for axes in fig.axes for axis in (axes.xaxis, axes.yaxis)]
    return [(axis, labels) for axis, labels in found if labels]


def _greedy(fig: Figure) -> list[Text]:
    """Labels of ticks that leave their axes less than the other half of `fig`."""
    width, height = 0.5 * fig.bbox.width, 0.5 * fig.bbox.height
    extents = [(axis, label, label.get_window_extent()) for axis, labels in _tick_labels(fig) for label in labels]
    return [
        label
        for axis, label, extent in extents
        if (extent.height > height if isinstance(axis, XAxis) else extent.width > width)
    ]


def _smaller_ticks(axis: Axis, labels: list[Text]) -> bool:
    size_pt = max(float(label.get_fontsize()) for label in labels)
    if size_pt <= _SMALLEST_PT:
        return False
    axis.set_tick_params(labelsize=max(_SMALLEST_PT, 0.92 * size_pt))
    return True


def _shorter_ticks(axis: Axis, labels: list[Text]) -> bool:
    """Shorten the longest labels of an axis."""
    most = 0.9 * max(len(label.get_text()) for label in labels)
    return _relabel(axis, labels, lambda words: (_cut(words) or words) if len(words) >= most else words)


def _relabel(axis: Axis, labels: list[Text], change: Callable[[str], str]) -> bool:
    """Change the labels of an axis; what is set to their texts is replaced when they are drawn."""
    words = [label.get_text() for label in labels]
    changed = [change(label) for label in words]
    places = axis.get_majorticklocs()
    if changed == words or len(places) != len(words):
        return False
    axis.set_ticks(places, labels=changed)
    return True


def _in_words(texts: list[Text], sides: list[str]) -> list[str]:
    return [text.get_text() for text in texts] or [f"something at the {side}" for side in sides]


def _smaller(text: Text) -> bool:
    size_pt = float(text.get_fontsize())
    if size_pt <= _SMALLEST_PT:
        return False
    text.set_fontsize(max(_SMALLEST_PT, 0.92 * size_pt))
    return True


def _shorter(text: Text) -> bool:
    words = _cut(text.get_text())
    if words:
        text.set_text(words)
    return bool(words)


def _cut(words: str) -> str:
    """Words with an ellipsis for a tenth in the middle; empty for a formula, which cannot be cut anywhere."""
    if _has_formula(words):
        return ""
    kept = words.replace(_ELLIPSIS, "").replace("\\$", "$")
    half = int(0.9 * len(kept)) // 2
    return f"{kept[:half]}{_ELLIPSIS}{kept[-half:]}".replace("$", "\\$") if half else ""


def show_every_character(fig: Figure) -> None:
    """Spell the characters of `fig` that no font has, and show as words what matplotlib cannot read as a formula."""
    for axis, labels in _tick_labels(fig):
        _relabel(axis, labels, _shown)
    for text in fig.findobj(Text):
        words = text.get_text()
        shown = _shown(words) if text.get_parse_math() else with_glyphs(words)
        if shown != words:
            text.set_text(shown)


def _shown(words: str) -> str:
    words = with_glyphs(words)
    return words if _is_readable(words) else words.replace("\\$", "$").replace("$", "\\$")


def _has_formula(words: str) -> bool:
    dollars = len(_DOLLAR.findall(words))
    return dollars > 0 and dollars % 2 == 0


@functools.lru_cache(maxsize=1024)
def _is_readable(words: str) -> bool:
    """Whether matplotlib can draw words that may contain formulas."""
    if not _has_formula(words):
        return True
    try:
        MathTextParser("path").parse(words)
    except ValueError:
        return False
    return True


def _over_edge(fig: Figure) -> tuple[list[Text], list[str]]:
    """Texts that extend beyond the edge, and the sides at which anything does."""
    fig.draw_without_rendering()
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
        return [], []
    box = fig.bbox.padded(_SLACK_PT * fig.dpi / 72)
    texts = [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]
    extents = [(text, text.get_window_extent()) for text in texts]
    # A tick label beyond its axis exists as text but is not drawn. It may be reported by mistake; nothing is missed.
    over = [
        text
        for text, extent in extents
        if box.overlaps(extent)
        and (extent.x0 < box.x0 or extent.y0 < box.y0 or extent.x1 > box.x1 or extent.y1 > box.y1)
    ]
    return over, [side for side, over_edge in sides.items() if over_edge]


def save(fig: Figure, stem: str | Path, data: "pd.DataFrame | Mapping[str, np.ndarray]") -> SavedFigure:
    """Save `fig` and the plotted numbers, then close it.

    Writes ``<stem>.pdf`` (`netlens.publish.compact_pdf`), ``<stem>.png`` at the resolution of the figure, the data as
    ``<stem>.csv`` (a table) or ``<stem>.npz`` (arrays), and ``<stem>.json`` with the size and with what is drawn (see
    `netlens.publish.drawing`). The bytes depend only on the figure and the version of matplotlib: there are no dates
    or program names.

    Parameters
    ----------
    fig
        Figure in the style of `netlens.plots.style`.
    stem
        Output path without suffix.
    data
        The plotted numbers: a DataFrame, or named arrays for images and matrices.

    Returns
    -------
    SavedFigure
        Shows the figure when a notebook cell ends with it.

    Raises
    ------
    ClippedTextError
        Some text extends beyond the edge of the figure even when it is made smaller and shortened.
    ValueError
        `data` is empty.
    """
    if len(data) == 0:
        raise ValueError(f"{stem}: a figure is saved together with the numbers that it shows, but its data is empty")
    show_every_character(fig)
    if clipped := fit_text(fig):
        raise ClippedTextError(f"{stem}: cut off at the figure's edge: {', '.join(map(repr, clipped))}")
    # Text is laid out once, for both files.
    fig.set_layout_engine("none")
    with writing(f"{stem}.pdf") as temporary:
        save_pdf(fig, temporary)
    with writing(f"{stem}.png") as temporary:
        FigureCanvasAgg(fig).print_png(temporary, metadata={"Software": None})  # type: ignore[no-untyped-call]
    if isinstance(data, Mapping):
        save_arrays(f"{stem}.npz", data)
    else:
        with writing(f"{stem}.csv") as temporary:
            data.to_csv(temporary, index=False, float_format="%.17g", lineterminator="\n")
    width_in, height_in = (float(x) for x in fig.get_size_inches())
    write_description(stem, {"kind": "figure", "size_in": [width_in, height_in], "drawing": drawing(fig)})
    plt.close(fig)
    return SavedFigure(str(stem), (width_in, height_in))
