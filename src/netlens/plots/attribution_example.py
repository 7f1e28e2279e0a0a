"""One image and its attribution, side by side: pixel by pixel with its scale, and summed over cells over the image."""

from typing import Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.attribution_maps import finish, overlay
from netlens.plots.fitted_text import wrapped
from netlens.plots.two_class_maps import pooled

_FRAME = "#888888"
_QUANTILE = 0.995
#: A map over the image has at most so many cells along each side.
CELLS: Final = 28
# Room for a title above an image.
_TITLE_IN = 1.9


def attribution_example(
    image: NDArray[np.uint8], attribution: ArrayLike, *, class_name: str, logit: float, share: float
) -> Figure:
    """Draw an image and, beside it, the signed attribution of each pixel and its sums over cells, over the image.

    Colors are symmetric about zero. Those at the ends of the scale stand for all magnitudes from the 99.5 % quantile
    on, of pixels or of cells, so that single ones do not hide the others.

    Parameters
    ----------
    image
        (height, width, 3).
    attribution
        (height, width), parts of the logit.
    class_name, logit
        For the titles: the class of the image, and the logit that is explained.
    share
        Sum of the attribution over all pixels as a share of the logit, for the title.

    Returns
    -------
    Figure
    """
    values = np.asarray(attribution)
    scale = float(np.quantile(np.abs(values), _QUANTILE, method="higher")) or float(np.abs(values).max()) or 1.0
    height, width = values.shape
    fig, axes = plt.subplots(1, 3, figsize=(style.FULL_WIDTH_IN, 2.13 * height / width + 0.66))
    axes[0].imshow(image)
    axes[0].set_title(wrapped(f"input: {class_name}", _TITLE_IN, 7.5), fontsize=7.5)
    drawn = axes[1].imshow(values, cmap=style.diverging(), vmin=-scale, vmax=scale)
    axes[1].set_title(f"PatternAttr. of logit {logit:.1f};\nall pixels: {100 * share:.0f} % of it", fontsize=7.5)
    cells = pooled(np.asarray(values, np.float64), CELLS)
    overlay(axes[2], image, cells, limit=float(np.quantile(np.abs(cells), _QUANTILE, method="lower")) or None)
    side = -(-max(height, width) // len(cells)) if len(cells) else 1
    axes[2].set_title(f"the same, summed over\ncells of {side} × {side} pixels", fontsize=7.5)
    for ax in axes:
        finish(ax)
    bar = fig.colorbar(
        drawn, cax=axes[1].inset_axes((0, -0.07, 1, 0.035)), ticks=[-scale, 0, scale],
        orientation="horizontal",
    )  # fmt: skip
    bar.ax.set_xticklabels([f"≤ −{scale:.2g}", "0", f"≥ {scale:.2g}"])
    bar.outline.set(linewidth=0.4, edgecolor=_FRAME)  # type: ignore[operator]
    return fig
