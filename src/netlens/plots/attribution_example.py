"""One image and its attribution, side by side, with the scale of the attribution."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style

_FRAME = "#888888"


def attribution_example(image: NDArray[np.uint8], attribution: ArrayLike, *, class_name: str, logit: float) -> Figure:
    """Draw an image and, beside it, the signed attribution of each pixel, colors symmetric about zero.

    Parameters
    ----------
    image
        (height, width, 3).
    attribution
        (height, width), in units of the logit.
    class_name, logit
        For the titles: the class of the image, and the logit that is explained.

    Returns
    -------
    Figure
    """
    values = np.asarray(attribution)
    scale = np.abs(values).max()
    height, width = values.shape
    fig, axes = plt.subplots(1, 2, figsize=(style.WIDTH_IN, 1.66 * height / width + 0.25))
    axes[0].imshow(image)
    axes[0].set_title(f"input: {class_name}")
    drawn = axes[1].imshow(values, cmap=style.diverging(), vmin=-scale, vmax=scale)
    axes[1].set_title(f"PatternAttr. of logit {logit:.1f}")
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set(linewidth=0.4, color=_FRAME)
    bar = fig.colorbar(drawn, cax=axes[1].inset_axes((1.04, 0, 0.05, 1)), ticks=[-scale, 0, scale])
    bar.ax.set_yticklabels([f"−{scale:.2g}", "0", f"{scale:.2g}"])
    bar.outline.set(linewidth=0.4, edgecolor=_FRAME)  # type: ignore[operator]
    return fig
