"""Every method's maps for two logits of one image, side by side."""

from typing import Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.explanation_checks.choices import label_of
from netlens.explanation_checks.map_similarity import cosine
from netlens.explanation_checks.results import NetworkChecks
from netlens.plots import style
from netlens.plots.attribution_maps import finish, overlay
from netlens.plots.fitted_text import shortened

#: Percentile of the absolute values at which a map's scale ends; one cell must not take most of it.
PERCENTILE: Final = 99.5
#: A map is drawn in at most so many cells along each side; single pixels are too small to be seen in print.
CELLS: Final = 32
_COLUMNS: Final = 5


def two_class_sheet(found: NetworkChecks) -> tuple[Figure, dict[str, float]]:
    """Draw a network's two maps under each method, over the image, in cells of pixels.

    Returns
    -------
    figure : Figure
        Up to five methods a row, each with the map of the first class above that of the second.
    cosines : dict
        Cosine between the two maps by method; NaN where one is zero.
    """
    columns = min(_COLUMNS, len(found.methods) + 1)
    blocks = -(-(len(found.methods) + 1) // columns)
    side = style.FULL_WIDTH_IN / columns
    aspect = found.two_image.shape[0] / found.two_image.shape[1]
    fig, axes = plt.subplots(
        2 * blocks,
        columns,
        figsize=(style.FULL_WIDTH_IN, blocks * (2 * aspect * side + 0.38)),
        squeeze=False,
    )
    fig.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for ax in axes.ravel():
        ax.axis("off")
    axes[0, 0].imshow(found.two_image)
    axes[0, 0].set_title("image", fontsize=7.5)
    names = [shortened(name, side * 0.75, 7) for name in found.two_names]
    axes[1, 0].text(
        0.5, 0.6, f"upper: {names[0]}\nlower: {names[1]}", ha="center", va="center", fontsize=7,
        transform=axes[1, 0].transAxes,
    )  # fmt: skip
    cosines = {}
    for number, (method, maps) in enumerate(zip(found.methods, found.two_maps, strict=True), start=1):
        block, column = divmod(number, columns)
        cosines[method] = cosine(*maps)
        for row in range(2):
            ax, cells = axes[2 * block + row, column], pooled(maps[row])
            ax.axis("on")
            overlay(ax, found.two_image, cells, limit=float(np.percentile(np.abs(cells), PERCENTILE)))
            finish(ax)
        shown = "no map" if np.isnan(cosines[method]) else f"cos {cosines[method]:.2f}"
        axes[2 * block, column].set_title(f"{label_of(method)}\n{shown}", fontsize=7.5)
    return fig, cosines


def pooled(values: NDArray[np.float64], most: int = CELLS) -> NDArray[np.float64]:
    """Return the sums of a map, (height, width), over square cells of pixels, at most `most` along each side."""
    side = -(-max(values.shape) // most)
    rows, columns = (np.arange(0, length, side) for length in values.shape)
    sums: NDArray[np.float64] = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    return sums
