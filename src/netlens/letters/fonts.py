"""Fonts of the figures: one that comes with matplotlib, and what is installed here for the letters that it lacks."""

from typing import Final

from matplotlib.font_manager import get_font_names

# Fonts that are installed here and have the letters that DejaVu Sans, which comes with matplotlib, lacks.
_FALLBACK: Final[tuple[str, ...]] = tuple(
    name
    for name in (
        "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "Source Han Sans", "WenQuanYi Zen Hei",
        "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAexGothic", "Noto Sans Devanagari", "Noto Sans Thai",
        "Noto Sans Bengali", "Noto Sans Hebrew", "Unifont",
    )
    if name in get_font_names()
)  # fmt: skip

#: Names of the fonts, in the order in which they are asked for a letter.
FONT_FAMILY: Final[tuple[str, ...]] = ("DejaVu Sans", *_FALLBACK)
