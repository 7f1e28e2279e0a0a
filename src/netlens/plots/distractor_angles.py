"""Angles of weight and pattern to the signal as the distractor turns, over the full circle."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.signal_distractor.two_dimensions import AngleCurves

Angles = NDArray[np.float64]


def distractor_angles(
    t_over_pi: Angles, curves: AngleCurves, band_deg: tuple[Angles, Angles], band_label: str
) -> Figure:
    """Weight and pattern in one panel, and below it the pattern alone on a scale of its own.

    Parameters
    ----------
    t_over_pi
        The distractor's angle in multiples of pi, (k,).
    curves
        Analytic and fitted angles at these values of t.
    band_deg
        Lower and upper edge of the pattern's band over repeated draws, degrees, (k,) each.
    band_label
        The legend's name for the band.

    Returns
    -------
    matplotlib.figure.Figure
        Column width.
    """
    style.paper()
    fig, (whole, near) = plt.subplots(
        2, 1, figsize=(style.WIDTH_IN, 3.7), sharex=True, gridspec_kw={"height_ratios": [2, 1]}
    )
    weight, pattern = style.COLORS["gradient"], style.PALETTE[3]

    for start in (0, 1):  # one branch for each half circle; its ends are not part of it
        whole.plot([start, start + 1], [-90, 90], color=weight, label="weight, analytic" if start == 0 else None)
    whole.plot(
        t_over_pi,
        curves.weight_fitted,
        style.MARKERS["gradient"],
        color=weight,
        markersize=4.2,
        markeredgewidth=0,
        label="weight, fitted",
    )
    for ax in (whole, near):
        ax.axhline(0, color=pattern, linewidth=0.8, label="pattern, analytic")
        ax.plot(
            t_over_pi,
            curves.pattern_fitted,
            "D",
            color=pattern,
            markersize=2.8,
            markeredgewidth=0,
            label="pattern, fitted",
            clip_on=False,
            zorder=3,
        )
        ax.fill_between(t_over_pi, *band_deg, color=pattern, alpha=0.25, linewidth=0, label=band_label)
        ax.grid(axis="y")
    whole.plot(
        [0, 1, 1, 2],
        [-90, 90, -90, 90],
        "o",
        color=weight,
        markerfacecolor="white",
        markersize=4.5,
        zorder=4,
        clip_on=False,
        label="weight undefined (0, π, 2π)",
    )

    whole.set(xlim=(0, 2), ylim=(-98, 98), yticks=range(-90, 91, 45))
    near.set(
        xticks=[0, 0.5, 1, 1.5, 2],
        xticklabels=["0", "π/2", "π", "3π/2", "2π"],
        xlabel="angle t of the distractor to the signal",
    )
    near.set_title("the pattern alone", loc="left", fontsize=7)
    near.margins(y=0.12)
    fig.supylabel("angle to the signal (degrees)", fontsize=8)
    handles, labels = whole.get_legend_handles_labels()
    order = [labels.index(label) for label in sorted(labels, key=lambda label: str(label).startswith("pattern"))]
    fig.legend(
        [handles[i] for i in order], [labels[i] for i in order], loc="outside upper center", ncols=2, columnspacing=1.5
    )
    return fig
