"""An attribution is drawn with colors symmetric about zero."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.plots.attribution_example import attribution_example
from netlens.plots.fitted_text import width_in


def test_the_scale_is_symmetric_and_stated():
    image = np.zeros((4, 6, 3), np.uint8)
    attribution = np.zeros((4, 6))
    attribution[1, 2], attribution[3, 3] = -0.5, 0.25
    fig = attribution_example(image, attribution, class_name="cat", logit=5.06, share=0.118)
    left, right = fig.axes[:2]  # and the sums over cells
    assert [left.get_title(), right.get_title()] == ["input: cat", "PatternAttr. of logit 5.1;\nall pixels: 12 % of it"]
    assert right.images[0].get_clim() == (-0.5, 0.5)
    np.testing.assert_array_equal(right.images[0].get_array(), attribution)
    (bar,) = right.child_axes
    assert [tick.get_text() for tick in bar.get_xticklabels()] == ["≤ −0.5", "0", "≥ 0.5"]
    plt.close(fig)


@pytest.mark.slow
def test_a_single_strong_pixel_does_not_hide_the_others_and_long_names_are_wrapped():
    attribution = np.full((40, 40), 0.5)
    attribution[0, 0] = 100
    name = "diamondback, diamondback rattlesnake, Crotalus adamanteus"
    fig = attribution_example(np.zeros((40, 40, 3), np.uint8), attribution, class_name=name, logit=1, share=-0.5)
    assert fig.axes[1].images[0].get_clim() == (-0.5, 0.5)
    # Sums over cells of 2 x 2 pixels: all but the one with the strong pixel are alike, and in full color.
    strength = fig.axes[2].images[1].get_array()[..., 3]
    assert strength.shape == (20, 20)
    assert np.ptp(strength) == 0 < strength[1, 1]
    lines = fig.axes[0].get_title().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("input: ")
    assert max(width_in(line, 7.5) for line in lines) <= 1.9
    plt.close(fig)
