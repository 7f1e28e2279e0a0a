"""Quality of signal estimators along a network, with its spread over the units."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from netlens.plots import style
from netlens.plots.layer_labels import MOST_IN_COLUMN, extra_height_in, figure_width_in, name_layers

#: Name, color and marker of each signal estimator.
_LOOKS: Final[Mapping[str, tuple[str, Any, str]]] = {
    "random": ("random direction", "0.55", "x"),
    "w": ("weight, $S_w$", "black", "v"),
    "linear": ("linear pattern, $S_a$", style.PALETTE[0], "s"),
    "two_component": ("two-component pattern, $S_{\\pm}$", style.PALETTE[3], "P"),
}
# Points of one layer stand beside each other.
_SHIFTS: Final = (-0.3, -0.1, 0.1, 0.3)


def signal_quality(
    means: Mapping[str, Sequence[float]], spreads: Mapping[str, Sequence[float]], labels: Sequence[str]
) -> Figure:
    """Draw the mean quality of each signal estimator over the layers, with the spread as error bars.

    Parameters
    ----------
    means, spreads
        By estimator (``random``, ``w``, ``linear``, ``two_component``): mean and standard deviation of each layer.
    labels
        Short names of the layers.

    Returns
    -------
    Figure
    """
    fig, ax = plt.subplots(
        figsize=(figure_width_in(labels), style.WIDTH_IN / style.GOLDEN + 0.35 + extra_height_in(labels))
    )
    for shift, (estimator, (label, color, marker)) in zip(_SHIFTS, _LOOKS.items(), strict=True):
        ax.errorbar(
            [layer + shift for layer in range(len(labels))],
            means[estimator],
            spreads[estimator],
            color=color,
            marker=marker,
            linestyle="none",
            markersize=3.6,
            markeredgewidth=0.8 if marker == "x" else 0,
            elinewidth=0.6,
            label=label,
        )
    name_layers(ax, labels)
    ax.set_ylabel(r"quality $\rho$")
    ax.set_ylim(-0.05, 1.08)
    ax.grid(visible=True, axis="y")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="x", length=2)
    fig.legend(loc="outside upper center", ncols=4 if len(labels) > MOST_IN_COLUMN else 2)
    return fig
