"""The spectrum of a chain shows which values are resolved."""

import numpy as np
from matplotlib import pyplot as plt

from netlens.plots.chain_spectrum import chain_axes, chain_values


def test_values_are_drawn_relative_to_the_largest_and_lost_ones_as_open_symbols():
    fig, ax = plt.subplots()
    logs, errors = np.array([3.0, 1.0, -20.0, -np.inf]), np.array([1e-9, 3e-8, 2.0, 0.0])
    chain_values(ax, logs, errors, resolved=2, kind="gradient")
    chain_axes(ax)
    resolved, lost = (line for line in ax.lines if line.get_marker() == "v")
    np.testing.assert_array_equal(resolved.get_ydata(), [0.0, -2.0])
    assert resolved.get_markerfacecolor() != "none"
    np.testing.assert_array_equal(lost.get_xydata(), [[3, -23.0]])  # the exact zero is not drawn
    assert lost.get_markerfacecolor() == "none"
    texts = {text.get_text() for text in ax.get_legend().get_texts()}
    assert texts == {"Gradient (error below $10^{-7}$)", "lost in rounding"}
    plt.close(fig)


def test_without_lost_values_nothing_is_drawn_for_them():
    fig, ax = plt.subplots()
    chain_values(ax, [3.0, 1.0], [1e-9, 1e-9], resolved=2, kind="pattern_attribution")
    assert ax.get_legend_handles_labels()[1] == ["PatternAttr. (error below $10^{-9}$)"]
    plt.close(fig)
