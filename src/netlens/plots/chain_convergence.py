"""How parallel random rows become in chains of matrices: random ones, and the network's own."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from netlens.explanation_checks.random_chains import RANDOM_CHAINS
from netlens.explanation_checks.results import NetworkChecks
from netlens.plots import style

_LEARNED: Final[dict[str, dict[str, Any]]] = {
    "weights": {"color": "black", "marker": "v"},
    "positive_weights": {"color": style.PALETTE[1], "marker": "*"},
    "patterns": {"color": style.COLORS["pattern_net"], "marker": style.MARKERS["pattern_net"]},
    "pattern_attribution": {
        "color": style.COLORS["pattern_attribution"],
        "marker": style.MARKERS["pattern_attribution"],
    },
}
_Where = Literal["outside lower left", "outside lower right"]

_SYMBOLS: Final = {
    "weights": "W",
    "positive_weights": r"\max(0, W)",
    "patterns": "A",
    "pattern_attribution": r"A \odot W",
}
_DASHES: Final = ((1, 1.5), (4, 1.5), (4, 1.5, 1, 1.5), (6, 2), (2, 1), (7, 1.5, 1, 1.5, 1, 1.5))


def chain_sheet(checks: Sequence[NetworkChecks]) -> Figure:
    """Draw the mean absolute cosine after each step, a panel for each network that is a chain.

    Parameters
    ----------
    checks
        Checks of the networks; at least one has chains.

    Returns
    -------
    Figure
        Random chains are dashed, the network's own have markers.
    """
    shown = [found for found in checks if found.chain_names]
    fig, axes = plt.subplots(1, len(shown), figsize=(style.FULL_WIDTH_IN, 3.9), sharey=True, squeeze=False)
    for ax, found in zip(axes[0], shown, strict=True):
        steps = np.arange(found.chains.shape[1])
        random = 0
        for name, values in zip(found.chain_names, found.chains, strict=True):
            if name in _LEARNED:
                label = f"${_SYMBOLS[name]}$"
                ax.plot(steps, values, linewidth=1.4, markersize=4.2, zorder=3, label=label, **_LEARNED[name])
            else:
                color = style.PALETTE[(7, 2, 4, 5, 6, 9)[random % 6]]
                ax.plot(
                    steps, values, linewidth=1.2, color=color, label=RANDOM_CHAINS[name][0],
                    linestyle=(0, _DASHES[random % len(_DASHES)]),
                )  # fmt: skip
                random += 1
        ax.set(title=found.network, xlabel="steps from the logits down", ylim=(-0.02, 1.03))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(axis="y", linewidth=0.3, color="0.88")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    axes[0, 0].set_ylabel("mean |cos| of 32 rows")
    handles, labels = max((ax.get_legend_handles_labels() for ax in axes[0]), key=lambda each: len(each[1]))
    own = [place for place, label in enumerate(labels) if label in {f"${symbol}$" for symbol in _SYMBOLS.values()}]
    others = [place for place in range(len(labels)) if place not in own]
    legends: tuple[tuple[str, list[int], _Where, int], ...] = (
        ("matrices of the network", own, "outside lower right", 2),
        ("random matrices of its shapes", others, "outside lower left", 3),
    )
    for title, chosen, where, columns in legends:
        fig.legend(
            [handles[place] for place in chosen], [labels[place] for place in chosen], title=title, loc=where,
            ncols=columns, handlelength=2.8, alignment="left",
        )  # fmt: skip
    return fig
