"""The curves over the circle: lines, points and band are at their values."""

import numpy as np
from matplotlib import pyplot as plt

from netlens.plots.distractor_angles import distractor_angles
from netlens.publish import figure
from netlens.signal_distractor import two_dimensions as sd


def test_fitted_angles_are_points_at_their_values_and_the_band_reaches_from_low_to_high():
    t_over_pi = np.arange(9) / 4
    curves = sd.angle_curves(np.pi * t_over_pi, sd.draw_noise(30, 1))
    low, high = curves.pattern_fitted - 1, curves.pattern_fitted + 2
    fig = distractor_angles(t_over_pi, curves, (low, high), "a band")
    whole, near = fig.axes
    lines = {line.get_label(): line for line in whole.lines}
    np.testing.assert_array_equal(lines["weight, fitted"].get_ydata(), curves.weight_fitted)
    np.testing.assert_array_equal(lines["pattern, fitted"].get_ydata(), curves.pattern_fitted)
    assert lines["weight, fitted"].get_linestyle() == "None"
    # The analytic line of the first half circle runs from -90 to 90 degrees, as the angle of (1, -cot t) does.
    inside = slice(1, 4)
    drawn = np.interp(t_over_pi[inside], *lines["weight, analytic"].get_data())
    np.testing.assert_allclose(drawn, curves.weight_analytic[inside], atol=1e-12)
    corners = near.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == low.min()
    assert corners[:, 1].max() == high.max()
    shown = [text.get_text() for text in fig.legends[0].get_texts()]
    assert set(shown) == {label for label in lines if not label.startswith("_")} | {"a band"}
    assert figure.overflow(fig) == []
    plt.close(fig)
