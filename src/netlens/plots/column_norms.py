"""Norms of a matrix's columns beside its singular values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style


def norms_and_values(panels: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]) -> Figure:
    """Draw column norms and singular values over their index, on a logarithmic axis, one panel per matrix.

    Parameters
    ----------
    panels
        By title: norms (n,) and singular values (r,), each largest first. Zeros are left out.

    Returns
    -------
    Figure
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(style.FULL_WIDTH_IN, 2.3))
    for ax, (title, (norms, values)) in zip(axes, panels.items(), strict=True):
        curves: tuple[tuple[str, NDArray[Any], Any, str], ...] = (
            ("column norms, sorted", norms, style.PALETTE[0], "--"),
            ("singular values", values, "black", "-"),
        )
        for label, curve, color, dashes in curves:
            ax.semilogy(np.arange(len(curve)) + 1, np.where(curve > 0, curve, np.nan), dashes, color=color, label=label)
        top = max(norms[0].max(), values[0].max())
        ax.set(title=title, xlabel="index", ylim=(top * 1e-4, top * 2))
        ax.grid(visible=True)
    axes[0].set_ylabel("norm, singular value")
    axes[0].legend(loc="lower left")
    return fig
