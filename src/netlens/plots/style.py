"""The style of all figures: seaborn's ticks, safe for color-blind readers, readable at column width."""

from typing import Any, Final

import matplotlib as mpl
from cycler import cycler
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb

from netlens.letters.fonts import FONT_FAMILY

#: Widths in inches of a figure that fills a column, and of one that fills the page.
WIDTH_IN: Final = 4.0
FULL_WIDTH_IN: Final = 6.5

#: The golden ratio: height = width / GOLDEN.
GOLDEN: Final = (1 + 5**0.5) / 2

#: seaborn's palette "colorblind".
PALETTE: Final[tuple[tuple[float, float, float], ...]] = tuple(
    to_rgb(f"#{color}")
    for color in (
        "0173b2", "de8f05", "029e73", "d55e00", "cc78bc", "ca9161", "fbafe4", "949494", "ece133", "56b4e9",
    )
)  # fmt: skip

#: Color of each matrix or method, the same in every figure.
COLORS: Final[dict[str, Any]] = {
    "gradient": "black",
    "pattern_attribution": PALETTE[3],
    "pattern_net": PALETTE[0],
}

#: Marker of each matrix or method.
MARKERS: Final[dict[str, str]] = {
    "gradient": "v",
    "pattern_attribution": "P",
    "pattern_net": "o",
}

#: Label of each matrix or method in a legend.
LABELS: Final[dict[str, str]] = {
    "gradient": "Gradient",
    "pattern_attribution": "PatternAttr.",
    "pattern_net": "PatternNet",
}


# Changes to the theme.
_OWN: Final[dict[Any, Any]] = {
    "axes.formatter.use_mathtext": True,
    "axes.grid": False,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.titlesize": 8,
    "figure.constrained_layout.use": True,
    "figure.dpi": 200,
    "figure.figsize": (WIDTH_IN, WIDTH_IN / GOLDEN),
    "font.family": list(FONT_FAMILY),
    "font.size": 8,
    "grid.linewidth": 0.4,
    "image.interpolation": "nearest",
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.title_fontsize": 7,
    "lines.linewidth": 1.0,
    "lines.markersize": 4.5,
    "pdf.fonttype": 42,
    "savefig.dpi": "figure",
    "svg.hashsalt": "netlens",
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
}

# What seaborn's theme sets beyond our own settings, for figures that are drawn without importing it.
_THEME: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": ".15",
    "axes.labelcolor": ".15",
    "axes.prop_cycle": cycler(color=PALETTE),
    "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "Bitstream Vera Sans", "sans-serif"],
    "grid.color": ".8",
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "patch.linewidth": 0.8,
    "text.color": ".15",
    "xtick.color": ".15",
    "xtick.major.size": 6 * 0.8,
    "ytick.color": ".15",
    "ytick.major.size": 6 * 0.8,
}


def paper() -> None:
    """Set the style of all figures drawn after this call.

    The font comes with matplotlib and is embedded, so that text can be selected and the bytes do not depend on the
    fonts that are installed, unless a text has letters that it lacks (Chinese, for instance), which come from
    `netlens.letters.fonts.FONT_FAMILY`.
    """
    import seaborn as sns

    sns.set_theme(context="paper", style="ticks", palette="colorblind")
    mpl.rcParams.update(_OWN)


def pictures() -> None:
    """Set the same style without importing seaborn, which takes a second, for figures that show images.

    The only difference is the default color map of images.
    """
    mpl.rcParams.update({**_THEME, **_OWN})


def sequential() -> Colormap:
    """Return the color map of values from 0 (light) up: perceptually uniform, also in gray and for color blindness."""
    import seaborn as sns

    colors: Colormap = sns.color_palette("mako_r", as_cmap=True)
    return colors


def diverging() -> LinearSegmentedColormap:
    """Return the color map of signed values: blue below 0, light gray at 0, red above."""
    return LinearSegmentedColormap.from_list("netlens", ["#0571b0", "#92c5de", "#f7f7f7", "#f4a582", "#ca0020"], N=511)
