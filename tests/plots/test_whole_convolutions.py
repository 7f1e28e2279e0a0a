"""Whole convolutions beside their center taps."""

import numpy as np
import pytest

from netlens.pattern_attribution.spectra.whole_convolution import WholeConvolution
from netlens.plots import style
from netlens.plots.whole_convolutions import whole_convolution_sheet
from netlens.publish.figure import overflow


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 30])
def test_every_layer_has_a_dot_and_names_are_not_cut_off(count):
    style.paper()
    found = [
        WholeConvolution(f"a_long_block{place}/conv", matrix, 1.5, 1.0, 1.2, np.inf if place == 1 else 2.0, 1.1, 0.5)
        for matrix in ("gradient", "pattern_attribution")
        for place in range(count)
    ]
    fig = whole_convolution_sheet(found)
    assert len(fig.axes) == 2
    assert all(len(ax.lines[0].get_xdata()) == count for ax in fig.axes)
    assert overflow(fig) == []
