"""Function, signal and attribution of the same images side by side (Kindermans et al. 2017, section 2.2)."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.fitted_text import wrapped

_TITLES: Final = ("input", "function\n(gradient)", "signal\n(PatternNet)", "attribution\n(PatternAttr.)")
_MARGINS_IN: Final = {"left": 0.28, "right": 0.06, "top": 0.36, "bottom": 0.22}
# So many images or fewer are drawn larger, in a figure of this width.
_FEW, _FEW_WIDTH_IN = 5, 5.2
_GAP_IN, _BAR_IN = 0.05, 0.07
#: Share of a panel's values that its scale covers: one pixel of many thousands must not take all of it.
SCALE_QUANTILE: Final = 0.995


def attribution_taxonomy(
    images: NDArray[np.uint8],
    class_names: Sequence[str],
    *,
    function: NDArray[np.float32],
    signal: NDArray[np.float32],
    attribution: NDArray[np.float32],
) -> Figure:
    """One row per image: the image and its three explanations, each panel on a scale of its own.

    The scale is the quantile `SCALE_QUANTILE` of the absolute values; what lies beyond it is drawn like it.

    Parameters
    ----------
    images
        uint8, (n, height, width, 3).
    class_names
        The class of each image.
    function, signal
        Gradient and PatternNet, (n, height, width, 3): drawn in the image's colors, mid-gray for 0.
    attribution
        PatternAttribution, (n, height, width, 3): summed over the colors, drawn blue to red.

    Returns
    -------
    matplotlib.figure.Figure
        With a color scale under each of the three explanations; wider for few images, which have room for it.
    """
    style.pictures()
    rows = len(images)
    height, width = images.shape[1:3]
    width_in = _FEW_WIDTH_IN if rows <= _FEW else style.WIDTH_IN
    panel_in = (width_in - _MARGINS_IN["left"] - _MARGINS_IN["right"] - 3 * _GAP_IN) / 4
    heights_in = [panel_in * height / width] * rows + [_BAR_IN]
    height_in = sum(heights_in) + _GAP_IN * rows + _MARGINS_IN["top"] + _MARGINS_IN["bottom"]
    fig = plt.figure(figsize=(width_in, height_in), layout="none")
    grid = fig.add_gridspec(
        rows + 1,
        4,
        height_ratios=heights_in,
        left=_MARGINS_IN["left"] / width_in,
        right=1 - _MARGINS_IN["right"] / width_in,
        top=1 - _MARGINS_IN["top"] / height_in,
        bottom=_MARGINS_IN["bottom"] / height_in,
        wspace=_GAP_IN / panel_in,
        hspace=_GAP_IN / float(np.mean(heights_in)),
    )
    columns: tuple[NDArray[Any], ...] = (images, function, signal, attribution)
    for column, (title, panels) in enumerate(zip(_TITLES, columns, strict=True)):
        for row, values in enumerate(panels):
            ax = fig.add_subplot(grid[row, column])
            if panels is images:
                ax.imshow(values)
                ax.set_ylabel(wrapped(class_names[row], heights_in[row], 8))
            elif panels is attribution:
                summed = values.sum(axis=-1, dtype=np.float64)
                ax.imshow(_scaled(summed), cmap=style.diverging(), vmin=-1, vmax=1)
            else:
                # Colors as in the image, mid-gray for 0 (Kindermans et al. 2017, figure 5).
                ax.imshow(0.5 + 0.5 * _scaled(values))
            _without_ticks(ax)
            if row == 0:
                ax.set_title(title, pad=4)
    steps = np.linspace(0, 1, 255)[None, :]
    gray = np.repeat(steps[:, :, None], 3, axis=2)
    for column, colors in enumerate((gray, gray, style.diverging()(steps)), start=1):
        _draw_scale(fig.add_subplot(grid[-1, column]), colors)
    return fig


def _scaled(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return values on the panel's scale, between -1 and 1."""
    magnitudes = np.abs(values, dtype=np.float64)
    scale = float(np.quantile(magnitudes, SCALE_QUANTILE)) or float(magnitudes.max()) or 1.0
    scaled: NDArray[np.float64] = np.clip(values / scale, -1, 1)
    return scaled


def _without_ticks(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(linewidth=0.4, color="#888888")


def _draw_scale(ax: Axes, colors: NDArray[Any]) -> None:
    """Draw the colors from the negative to the positive end of each panel's scale."""
    ax.imshow(colors, extent=(-1, 1, 0, 1), aspect="auto")
    _without_ticks(ax)
    ax.set_xticks([-1, 0, 1], ["−", "0", "+"])
    ax.tick_params(length=2, pad=2)
    left, middle, right = ax.get_xticklabels()
    left.set_horizontalalignment("left")
    middle.set_horizontalalignment("center")
    right.set_horizontalalignment("right")
