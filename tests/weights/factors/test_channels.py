"""Names of the strongest channels."""

import numpy as np

from netlens.weights.factors.channels import name_channels, strongest_channels


def test_the_largest_magnitudes_come_first_and_zeros_never():
    np.testing.assert_array_equal(strongest_channels([0.1, -0.7, 0, 0.7, 0.2], 3), [1, 3, 4])
    np.testing.assert_array_equal(strongest_channels([0, 0, -1.0], 3), [2])
    assert strongest_channels(np.zeros(4), 2).size == 0


def test_signs_are_written_where_there_are_both():
    assert name_channels([0.6, 0, 0.8], "mixed3a", 2) == "mixed3a:2 (0.80), mixed3a:0 (0.60)"
    assert name_channels([0.6, 0, -0.8], "mixed3a") == "mixed3a:2 (-0.80), mixed3a:0 (+0.60)"
    assert name_channels(np.zeros(3), "mixed3a") == "none"
