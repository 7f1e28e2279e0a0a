"""The figure of analogies over depth draws each network's values, and points to the unit's own layer."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.plots import style
from netlens.plots.analogy_quality import analogy_quality


def test_both_panels_draw_all_networks_and_the_own_layer_is_marked():
    style.paper()
    along = {"one": [0.1, 1.0, 0.4], "two": [0.2, -0.1, 0.3, 0.1]}
    whole = {"one": [0.3, 1.0, 0.6], "two": [0.5, 0.2, 0.4, 0.2]}
    fig = analogy_quality(along, whole, 1)
    for ax, lines in zip(fig.axes, (along, whole), strict=True):
        drawn = [line.get_ydata() for line in ax.get_lines() if len(line.get_xdata()) > 2]
        for got, expected in zip(drawn, lines.values(), strict=True):
            np.testing.assert_array_equal(got, expected)
    (label,) = [text for text in fig.axes[0].texts if text.get_text() == "its own layer"]
    assert label.xy == (0.5, 1.0)
    assert {text.get_text() for text in fig.axes[1].texts} == {"one", "two"}
    plt.close(fig)


def test_a_figure_without_networks_is_refused():
    with pytest.raises(ValueError, match="at least one network"):
        analogy_quality({}, {}, 0)
