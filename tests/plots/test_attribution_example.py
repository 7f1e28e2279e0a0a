"""An attribution is drawn with colors symmetric about zero."""

import numpy as np
from matplotlib import pyplot as plt

from netlens.plots.attribution_example import attribution_example


def test_the_scale_is_symmetric_and_stated():
    image = np.zeros((4, 6, 3), np.uint8)
    attribution = np.zeros((4, 6))
    attribution[1, 2], attribution[3, 3] = -0.5, 0.25
    fig = attribution_example(image, attribution, class_name="cat", logit=5.06)
    left, right = fig.axes[:2]
    assert [left.get_title(), right.get_title()] == ["input: cat", "PatternAttr. of logit 5.1"]
    assert right.images[0].get_clim() == (-0.5, 0.5)
    np.testing.assert_array_equal(right.images[0].get_array(), attribution)
    (bar,) = right.child_axes
    assert [tick.get_text() for tick in bar.get_yticklabels()] == ["−0.5", "0", "0.5"]
    plt.close(fig)
