"""The agreement of patterns is drawn as one box per layer, around its median."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.plots.pattern_agreement import pattern_agreement


def test_one_box_per_layer_around_the_median_of_its_units():
    cosines = {"conv1": np.array([0.1, 0.5, 0.9, np.nan]), "fc": np.array([-0.4, -0.2])}
    fig = pattern_agreement(cosines)
    (ax,) = fig.axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["conv1", "fc"]
    medians = [
        line.get_ydata()[0] for line in ax.lines if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2
    ]
    assert any(value == pytest.approx(0.5) for value in medians)
    assert any(value == pytest.approx(-0.3) for value in medians)
    assert ax.get_ylim()[0] < -0.4 and ax.get_ylim()[1] == 1.05
    plt.close(fig)
