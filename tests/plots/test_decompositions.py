"""Grids of decompositions show every matrix once, in network order, in colors that mean the same in each picture."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.plots import style
from netlens.plots.decompositions import (
    ITEM_DECADES,
    ROTATION_END,
    DecompositionRow,
    RotationRow,
    chain_grid,
    decomposition_grid,
    in_order,
    rotation_grid,
)
from netlens.publish.figure import overflow


def drawn(fig):
    return [ax.images[0].get_array() for ax in fig.axes if ax.images]


def picture(value, *shape):
    """Make a matrix with `value` in its first row and twice that everywhere else."""
    made = np.full(shape, 2.0 * value)
    made[0] = value
    return made


def rotation_row(label, value=1.0, rows=2, columns=4):
    tiles = [picture(value * factor, rows, columns) for factor in (1, 2, 3)]
    return RotationRow(label, *tiles, np.arange(rows), np.array([0, 1, 3, 7])[:columns])


def test_each_layer_has_its_bases_its_spectrum_and_its_ratio():
    ratios = (1.5, np.inf, 2.25)
    rows = [
        DecompositionRow(f"layer{i}", picture(i + 1.0, 4, 2), np.array([2.0, 0.0]), picture(-i - 1.0, 2, 3), ratio)
        for i, ratio in enumerate(ratios)
    ]
    fig = decomposition_grid(rows)
    labels = [text.get_text() for text in fig.texts if text.get_text().startswith("layer")]
    assert labels == ["layer0", "layer1", "layer2"]
    images = drawn(fig)
    assert [image.shape for image in images] == [(2, 4), (2, 3)] * 3
    # Colors are relative to the root mean square of each picture, whatever its size and scale.
    for image in images:
        assert np.mean(np.asarray(image) ** 2) == pytest.approx(1)
    shown = [text.get_text() for ax in fig.axes for text in ax.texts]
    assert shown == [rf"$\sigma_1/\sigma_2 = {ratio}$" for ratio in ("1.5", r"\infty", "2.25")]
    curve = next(ax for ax in fig.axes if ax.lines).lines[0].get_ydata()
    np.testing.assert_array_equal(curve, [1.0, np.nan])  # 0 has no place on a logarithmic axis
    plt.close(fig)


def test_units_are_in_the_order_of_the_first_direction():
    U = np.array([[0.1, 1.0], [0.9, 2.0], [-0.4, 3.0]])
    np.testing.assert_array_equal(in_order(U), [[0.9, 2.0], [0.1, 1.0], [-0.4, 3.0]])
    fig = decomposition_grid([DecompositionRow("a", U, np.array([2.0, 1.0]), U.T, 2.0)])
    inputs, outputs = (np.asarray(image) for image in drawn(fig))
    assert (np.diff(inputs[0]) < 0).all()
    np.testing.assert_allclose(outputs, inputs)
    plt.close(fig)


def test_directions_have_the_sign_that_makes_their_outputs_positive():
    U, Vh = np.array([[0.8, 0.6], [-0.6, 0.8]]), np.array([[-0.6, -0.8], [0.8, -0.6]])
    images = [
        drawn(decomposition_grid([DecompositionRow("a", U * sign, np.array([2.0, 1.0]), Vh * np.c_[sign], 2.0)]))
        for sign in ([1, 1], [-1, 1], [-1, -1])
    ]
    for inputs, outputs in images:
        np.testing.assert_allclose(inputs, np.sqrt(2) * np.array([[0.6, -0.8], [0.8, 0.6]]))
        np.testing.assert_allclose(outputs, np.sqrt(2) * np.array([[0.8, 0.6], [-0.6, 0.8]]))
    plt.close("all")


def test_a_matrix_of_zeros_has_directions_that_are_drawn_gray():
    fig = decomposition_grid([DecompositionRow("a", np.zeros((3, 2)), np.zeros(2), np.zeros((2, 3)), np.inf)])
    assert not any(np.any(image) for image in drawn(fig))
    plt.close(fig)


def test_each_pair_has_its_rotation_its_scaled_rotation_and_its_item():
    fig = rotation_grid([rotation_row(f"{i}, {i + 1}", i + 1.0) for i in range(3)])
    assert [image.shape for image in drawn(fig)] == [(2, 4)] * 9
    assert [text.get_text() for text in fig.texts] == ["0\n1", "1\n2", "2\n3"]
    panels = [ax for ax in fig.axes if ax.images]
    assert [ax.get_ylabel() for ax in panels] == ["$R_l$", "$R_l S_{l+1}$", "$T_l$"] + [""] * 6
    # A rotation is drawn as it is; the others relative to their largest tile.
    assert [float(np.max(ax.images[0].get_array())) for ax in panels[:3]] == [2.0, 1.0, 1.0]
    assert panels[0].images[0].get_clim() != panels[1].images[0].get_clim() == panels[2].images[0].get_clim()
    plt.close(fig)


def test_what_a_random_rotation_has_is_in_the_middle_of_the_colors():
    fig = rotation_grid([rotation_row("a, b")])
    norm = next(ax for ax in fig.axes if ax.images).images[0].norm
    np.testing.assert_allclose(norm(np.array([0, 0.5, 1, ROTATION_END])), [0, 0.25, 0.5, 1])
    plt.close(fig)


def test_tiles_are_named_by_their_first_direction_and_small_ones_are_seen():
    item = np.array([[1.0, 0.05, 0.0, 0.0]])
    row = RotationRow("a, b", item, item, item, np.array([0]), np.array([0, 1, 3, 7]))
    fig = rotation_grid([row])
    ax = next(ax for ax in fig.axes if ax.images)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "4", "8"]
    image = next(ax for ax in fig.axes if ax.get_ylabel() == "$T_l$").images[0]
    shades = image.norm(np.asarray(image.get_array()))[0]
    np.testing.assert_allclose(shades, [1, 1 + np.log10(0.05) / ITEM_DECADES, 0, 0], atol=1e-12)
    plt.close(fig)


@pytest.mark.parametrize("long", ["fire9/squeeze1x1", "block_13_expand_relu" * 4, "Имя слоя с пробелами " * 3])
def test_names_of_any_length_are_not_cut_off(long):
    style.paper()
    layers = [DecompositionRow(long, picture(1.0, 4, 2), np.array([2.0, 1.0]), picture(1.0, 2, 3), 2.0)] * 3
    for fig in (decomposition_grid(layers), rotation_grid([rotation_row(f"{long}, {long}")] * 3)):
        assert overflow(fig) == []
        plt.close(fig)


def test_a_chain_s_values_are_decades_and_zeros_are_left_out():
    logs = np.array([2.0, -5.0, -np.inf])
    fig = chain_grid({"$W$": (picture(1.0, 5, 2), logs, picture(1.0, 2, 7))})
    left, middle, right = fig.axes[:3]
    np.testing.assert_array_equal(middle.lines[0].get_ydata(), [2.0, -5.0])
    assert middle.lines[1].get_xdata()[0] == 2.5
    assert (left.images[0].get_array().shape, right.images[0].get_array().shape) == ((5, 2), (2, 7))
    assert left.get_ylabel() == "$W$"
    plt.close(fig)
