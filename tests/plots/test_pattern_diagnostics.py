"""Diagnostics of patterns leave dead units out of what is said of live ones."""

import numpy as np
from matplotlib import pyplot as plt

from netlens.plots.pattern_diagnostics import pattern_diagnostics


def test_dead_units_are_counted_and_left_out_of_activity_and_gain():
    dead = [np.array([False, True, False, False]), np.array([False, False])]
    shares = [np.array([0.2, 0.0, 0.4, 0.6]), np.array([0.5, 0.7])]
    gains = [np.array([1.0, 0.0, 1.25, 1.0]), np.array([1.0, 0.5])]
    fig = pattern_diagnostics(shares, gains, dead, ["a", "b"])
    activity, counts, errors = fig.axes
    medians = [line.get_ydata()[0] for line in activity.lines if len(set(line.get_ydata())) == 1]
    assert 0.4 in medians
    assert [text.get_text().strip() for text in counts.texts] == ["1"]  # none where no unit is dead
    assert [bar.get_height() for bar in counts.patches] == [0.25, 0.0]
    np.testing.assert_array_equal(errors.lines[0].get_ydata(), [0.25, 0.5])
    plt.close(fig)
