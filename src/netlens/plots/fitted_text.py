"""Text that fits the space for it: broken into lines where it has parts, shortened in the middle where it has not."""

import functools
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from netlens.letters.glyphs import with_glyphs

# A line may end behind one of these.
_BREAKS: Final = "/_- .:"
_ELLIPSIS: Final = "…"
# On a coarse grid of pixels, letters are up to this much wider than their outlines.
_HINTED: Final = 1.08


def width_in(text: str, size_pt: float, *, bold: bool = False) -> float:
    """Return the width of a line of text in inches at most, in the font of the current style."""
    text = with_glyphs(text)
    if not text.strip():
        return 0.0
    return (
        _HINTED
        * _outline_width_pt(text, size_pt, "bold" if bold else "normal", tuple(mpl.rcParams["font.family"]))
        / 72
    )


# A sheet asks for the widths of the same labels for each of its rows, and outlines take milliseconds each.
@functools.lru_cache(maxsize=4096)
def _outline_width_pt(text: str, size_pt: float, weight: str, family: tuple[str, ...]) -> float:
    font = FontProperties(family=list(family), weight=weight)
    outlines = TextPath((0, 0), literal(text), size=size_pt, prop=font)
    # Curves stay within the points that shape them. Letters have such points where they are widest, so this is their
    # width itself, for which matplotlib would look for the extremes of every curve.
    points = outlines.vertices[outlines.codes != Path.CLOSEPOLY, 0]
    return float(np.ptp(points)) if len(points) else 0.0


def shortened(text: str, room_in: float, size_pt: float, *, bold: bool = False) -> str:
    """Shorten a line of text in the middle if it is wider than the space for it.

    Parameters
    ----------
    text
        The text, in one line.
    room_in
        Width of the space in inches.
    size_pt
        Size of the font in points.
    bold
        Whether the text is bold.

    Returns
    -------
    str
        For matplotlib, as from `literal`: the text if it fits; otherwise its beginning
        and end, which tell names apart, around an ellipsis.
    """
    text = with_glyphs(text)
    width = width_in(text, size_pt, bold=bold)
    shown, kept = text, len(text)
    while kept > 2 and width > room_in:
        kept = min(kept - 1, int(kept * room_in / width) + 1)
        shown = f"{text[: kept // 2]}{_ELLIPSIS}{text[len(text) - (kept - kept // 2) :]}"
        width = width_in(shown, size_pt, bold=bold)
    return literal(shown)


def wrapped(text: str, room_in: float, size_pt: float, *, bold: bool = False) -> str:
    """Break a text into at most two lines if it is wider than the space for it, and shorten the lines that still are.

    Parameters
    ----------
    text, room_in, size_pt, bold
        As for `shortened`.

    Returns
    -------
    str
        For matplotlib, as from `shortened`, with at most one line break, which is behind a slash, underscore, hyphen,
        period, colon or space.
    """
    text = with_glyphs(text)
    if width_in(text, size_pt, bold=bold) <= room_in:
        return literal(text)
    ends = [place + 1 for place, letter in enumerate(text[:-1]) if letter in _BREAKS]
    if not ends:
        return shortened(text, room_in, size_pt, bold=bold)
    # The break whose longer line is shortest; of several, the last.
    end = min(
        reversed(ends),
        key=lambda end: max(width_in(part, size_pt, bold=bold) for part in (text[:end].rstrip(), text[end:])),
    )
    return "\n".join(shortened(part, room_in, size_pt, bold=bold) for part in (text[:end].rstrip(), text[end:]))


def literal(text: str) -> str:
    """Return a name as matplotlib shows it: no formula, however many dollar signs it has, and no unknown characters."""
    return with_glyphs(text).replace("$", "\\$")
