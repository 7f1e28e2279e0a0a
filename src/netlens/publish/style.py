"""One look for every figure: seaborn's ticks, colour-blind safe, readable at column width."""

from typing import Any, Final

import matplotlib as mpl
import seaborn as sns
from matplotlib.colors import LinearSegmentedColormap

#: Width of a figure that fills a column, and of one that fills the page, in inches.
WIDTH_IN: Final = 4.0
FULL_WIDTH_IN: Final = 6.5

#: The golden ratio: height = width / GOLDEN.
GOLDEN: Final = (1 + 5**0.5) / 2

PALETTE: Final[tuple[tuple[float, float, float], ...]] = tuple(sns.color_palette("colorblind"))

#: Colour of each matrix or method, the same in every figure.
COLORS: Final[dict[str, Any]] = {
    "gradient": "black",
    "pattern_attribution": PALETTE[3],
    "pattern_net": PALETTE[3],
}

#: Marker of each matrix or method; matplotlib has no marker "N", so the letter itself is drawn.
MARKERS: Final[dict[str, str]] = {
    "gradient": "v",
    "pattern_attribution": "P",
    "pattern_net": r"$\mathrm{N}$",
}

#: What a legend calls each matrix or method.
LABELS: Final[dict[str, str]] = {
    "gradient": "Gradient",
    "pattern_attribution": "PatternAttr.",
    "pattern_net": "PatternNet",
}


def paper() -> None:
    """Set the look of all figures drawn after this call.

    Fonts come with matplotlib and are embedded as outlines that a reader can select, so the bytes do not depend on
    the machine's fonts.
    """
    sns.set_theme(context="paper", style="ticks", palette="colorblind")
    mpl.rcParams.update(
        {
            "axes.formatter.use_mathtext": True,
            "axes.grid": False,
            "axes.labelsize": 8,
            "axes.linewidth": 0.6,
            "axes.titlesize": 8,
            "figure.constrained_layout.use": True,
            "figure.dpi": 100,
            "figure.figsize": (WIDTH_IN, WIDTH_IN / GOLDEN),
            "font.family": "DejaVu Sans",
            "font.size": 8,
            "grid.linewidth": 0.4,
            "image.interpolation": "nearest",
            "legend.fontsize": 7,
            "legend.frameon": False,
            "legend.title_fontsize": 7,
            "lines.linewidth": 1.0,
            "lines.markersize": 4.5,
            "pdf.fonttype": 42,
            "savefig.dpi": 200,
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
    )


def diverging() -> LinearSegmentedColormap:
    """Colours for signed values: blue below 0, light grey at 0, red above (0571b0, 92c5de, f7f7f7, f4a582, ca0020)."""
    return LinearSegmentedColormap.from_list("netlens", ["#0571b0", "#92c5de", "#f7f7f7", "#f4a582", "#ca0020"], N=511)
