"""Characters that the fonts of figures lack, and what is shown instead: two names never look alike.

Matplotlib draws the same box for every character that it has no glyph for.
"""

import functools
import unicodedata
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from netlens.files.atomic import writing
from netlens.letters.fonts import FONT_FAMILY
from netlens.letters.spelled import spelled

# How far the pictures of `draw_words` reach above and below the base line, in units of the size of the font.
ASCENT, DESCENT = 0.95, 0.25
_PICTURE_PT = 20.0


def lacking(text: str) -> tuple[str, ...]:
    """Characters of a text, each once, that no font of the figures has."""
    if text.isascii() and text.isprintable():
        return ()
    known = _characters()
    return tuple(character for character in dict.fromkeys(text) if character != "\n" and ord(character) not in known)


def with_glyphs(text: str) -> str:
    """Text in which the characters that no font of the figures has are spelled as their number."""
    for character in lacking(text):
        text = text.replace(character, spelled(character))
    return text


@functools.lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    """Numbers of the characters that some font has, without invisible control characters."""
    found: set[int] = set()
    for name in FONT_FAMILY:
        found |= get_font(findfont(FontProperties(family=name))).get_charmap().keys()
    return frozenset(number for number in found if unicodedata.category(chr(number)) not in {"Cc", "Cs"})


def draw_words(words: str, path: str | Path) -> None:
    """Draw a few letters as a PDF without margins, `ASCENT` above and `DESCENT` below the base line.

    Parameters
    ----------
    words
        What the fonts have.
    path
        The PDF, whose bytes depend only on the words and the fonts.
    """
    height_in = (ASCENT + DESCENT) * _PICTURE_PT / 72
    fig = Figure(figsize=(10, height_in))
    base = DESCENT / (ASCENT + DESCENT)
    text = fig.text(0, base, words, va="baseline", parse_math=False, size=_PICTURE_PT, family=list(FONT_FAMILY))
    width_in = text.get_window_extent().width / fig.dpi
    fig.set_size_inches(max(width_in, 0.01), height_in)
    metadata = {"Creator": None, "Producer": None, "CreationDate": None}
    # Embedded as a whole font, so that the letters can be selected and searched for.
    with writing(path) as temporary, rc_context({"pdf.fonttype": 42}):
        fig.savefig(temporary, format="pdf", transparent=True, metadata=metadata)
