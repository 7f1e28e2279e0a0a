"""One image and its attribution, side by side, with the scale of the attribution."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.fitted_text import wrapped

_FRAME = "#888888"
_QUANTILE = 0.995
# Room for a title above an image.
_TITLE_IN = 1.75


def attribution_example(
    image: NDArray[np.uint8], attribution: ArrayLike, *, class_name: str, logit: float, share: float
) -> Figure:
    """Draw an image and, beside it, the signed attribution of each pixel, colors symmetric about zero.

    The end colors stand for all magnitudes from the 99.5 % quantile on, so that single pixels do not hide the others.

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
    fig, axes = plt.subplots(1, 2, figsize=(style.WIDTH_IN, 1.66 * height / width + 0.4))
    axes[0].imshow(image)
    axes[0].set_title(wrapped(f"input: {class_name}", _TITLE_IN, 7.5), fontsize=7.5)
    drawn = axes[1].imshow(values, cmap=style.diverging(), vmin=-scale, vmax=scale)
    axes[1].set_title(f"PatternAttr. of logit {logit:.1f};\nall pixels: {100 * share:.0f} % of it", fontsize=7.5)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set(linewidth=0.4, color=_FRAME)
    bar = fig.colorbar(drawn, cax=axes[1].inset_axes((1.04, 0, 0.05, 1)), ticks=[-scale, 0, scale])
    bar.ax.set_yticklabels([f"≤ −{scale:.2g}", "0", f"≥ {scale:.2g}"])
    bar.outline.set(linewidth=0.4, edgecolor=_FRAME)  # type: ignore[operator]
    return fig
