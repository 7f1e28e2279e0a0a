"""The quality of each estimator is drawn with its spread."""

import numpy as np
from matplotlib import pyplot as plt

from netlens.plots.signal_quality import signal_quality

ESTIMATORS = ("random", "w", "linear", "two_component")


def test_each_estimator_is_a_line_through_its_means_with_bars_of_its_spreads():
    means = {name: [0.1 * index, 0.2 * index] for index, name in enumerate(ESTIMATORS)}
    spreads = {name: [0.01, 0.02 * (index + 1)] for index, name in enumerate(ESTIMATORS)}
    fig = signal_quality(means, spreads, ["a", "b"])
    (ax,) = fig.axes
    assert len(ax.containers) == 4
    for name, (line, _, (bars,)) in zip(ESTIMATORS, ax.containers, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), means[name])
        lengths = [segment[1, 1] - segment[0, 1] for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, 2 * np.array(spreads[name]), rtol=1e-12)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b"]
    plt.close(fig)
