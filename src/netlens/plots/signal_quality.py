"""Quality of signal estimators along a network, with its spread over the units."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from netlens.plots import style
from netlens.plots.layer_labels import extra_height_in, figure_width_in, name_layers

#: Name, color, marker and line of each signal estimator.
_LOOKS: Final[Mapping[str, tuple[str, Any, str, str]]] = {
    "random": ("random direction", "0.55", "o", ":"),
    "w": ("weight, $S_w$", "black", "v", "-"),
    "linear": ("linear pattern, $S_a$", style.PALETTE[0], "s", "--"),
    "two_component": ("two-component pattern, $S_{\\pm}$", style.PALETTE[3], "P", "-"),
}
# Points of one layer stand beside each other.
_SHIFTS: Final = (-0.12, -0.04, 0.04, 0.12)


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
    for shift, (estimator, (label, color, marker, dashes)) in zip(_SHIFTS, _LOOKS.items(), strict=True):
        ax.errorbar(
            [layer + shift for layer in range(len(labels))],
            means[estimator],
            spreads[estimator],
            color=color,
            marker=marker,
            linestyle=dashes,
            linewidth=0.8,
            elinewidth=0.5,
            label=label,
        )
    name_layers(ax, labels)
    ax.set_ylabel(r"quality $\rho$")
    ax.set_ylim(-0.05, 1.08)
    ax.grid(visible=True)
    fig.legend(loc="outside upper center", ncols=2)
    return fig
