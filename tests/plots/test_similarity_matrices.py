"""Matrices of similarities."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.text import Text

from netlens.plots import similarity_matrices, style
from netlens.plots.similarity_matrices import SIDE_BY_SIDE, Panel, scale_end
from netlens.publish import figure


def panel(rows=3, columns=4, seed=0, by_chance=None, **other):
    values = np.random.default_rng(seed).random((rows, columns))
    names = [f"row{i}" for i in range(rows)], [f"column{i}" for i in range(columns)]
    return Panel(
        other.pop("title", "A, B"),
        other.pop("values", values),
        *names,
        other.pop("row_title", "A"),
        "second network",
        by_chance,
    )


def drawn(*panels, **options):
    style.paper()
    fig = plt.figure()
    similarity_matrices.draw(fig, panels, **options)
    return fig


def matrices(fig):
    return [ax for ax in fig.axes if any(isinstance(each, QuadMesh) for each in ax.collections)]


def mesh(ax):
    return next(each for each in ax.collections if isinstance(each, QuadMesh))


def frames(ax):
    """Row and column of each cell with a frame."""
    return [(int(patch.get_y()), int(patch.get_x())) for patch in ax.patches if not patch.get_hatch()]


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_panels_show_their_values_and_best_matches_on_one_scale_or_their_own(shared):
    panels = [panel(seed=1), panel(5, 4, seed=2, values=0.5 * np.random.default_rng(2).random((5, 4)))]
    fig = drawn(*panels, shared=shared)
    for ax, shown in zip(matrices(fig), panels, strict=True):
        np.testing.assert_array_equal(mesh(ax).get_array(), shown.values)
        assert mesh(ax).get_clim() == (0, (panels[0] if shared else shown).values.max())
        assert frames(ax) == list(enumerate(shown.values.argmax(axis=1)))
        assert [label.get_text() for label in ax.get_xticklabels()] == list(shown.columns)
        assert [label.get_text() for label in ax.get_yticklabels()] == list(shown.rows)
        numbers = [float(text.get_text()) for text in ax.texts]
        np.testing.assert_allclose(numbers, shown.values.ravel(), atol=0.005 + 1e-9)
        assert not any(text.get_text().startswith("0.") for text in ax.texts)
        # From the middle of the first cell to that of the last.
        (line,) = ax.lines
        rows, columns = shown.values.shape
        np.testing.assert_array_equal(line.get_xydata(), [[0.5, 0.5], [columns - 0.5, rows - 0.5]])
    plt.close(fig)


def large(rows=40, columns=50, seed=3, **other):
    return panel(rows, columns, seed, **other)


@pytest.mark.slow
def test_small_cells_have_a_key_instead_of_numbers_and_dots_that_stand_out():
    values = np.tile(np.linspace(0.1, 0.2, 50), (40, 1))
    values[0, 3], values[1, 5] = 0.3, 0.21
    values[2] = 0.01
    fig = drawn(large(values=values))
    (ax,) = matrices(fig)
    assert not ax.texts
    assert frames(ax) == []
    dots = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert [(int(dot.get_ydata()[0]), int(dot.get_xdata()[0])) for dot in dots[:2]] == [(0, 3), (1, 5)]
    assert len(dots) == 40
    (scale,) = ax.child_axes
    assert [label.get_text() for label in scale.get_yticklabels()][-1] == f"{scale_end(values):.2f}"
    assert [dots[row].get_color() for row in (0, 2)] == ["white", "black"]
    plt.close(fig)


def test_colours_darken_evenly():
    steps = style.sequential()(np.linspace(0, 1, 21))[:, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(steps) < 0).all()
    assert np.diff(steps).min() > 3 * np.diff(steps).mean()


@pytest.mark.slow
@pytest.mark.parametrize(
    "panels",
    [
        [panel()],
        [panel(), panel(9, 4), panel(12, 12)],
        [panel(SIDE_BY_SIDE, 3), panel(3, SIDE_BY_SIDE), panel(2, 2)],
        [panel(SIDE_BY_SIDE + 1, 3), panel(3, 50)],
        [panel(1, 1)] * 3,
        [panel(80, 70)],
    ],
)
def test_nothing_is_cut_off_or_overlaps_whatever_the_sizes(panels):
    fig = drawn(*panels)
    assert figure.overflow(fig) == []
    width, height = fig.get_size_inches()
    beside = len(panels) > 1 and max(max(each.values.shape) for each in panels) <= SIDE_BY_SIDE
    assert width == (style.FULL_WIDTH_IN if beside else style.WIDTH_IN)
    assert height <= 8.01
    boxes = [ax.get_tightbbox() for ax in matrices(fig)]
    for place, box in enumerate(boxes):
        assert box.width > 0.5 * fig.dpi
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
    for ax in matrices(fig):
        box = ax.get_window_extent()
        rows, columns = mesh(ax).get_array().shape
        assert box.width / columns == pytest.approx(box.height / rows, rel=0.01)
        for labels, across in ((ax.get_xticklabels(), 0), (ax.get_yticklabels(), 1)):
            extents = [label.get_window_extent() for label in labels if label.get_visible()]
            # Of a line's height the letters take four fifths.
            assert all(
                abs(a.get_points()[:, across].mean() - b.get_points()[:, across].mean())
                > 0.8 * (a.get_points()[1, across] - a.get_points()[0, across])
                for a, b in pairwise(extents)
            )
    plt.close(fig)


@pytest.mark.slow
def test_row_labels_of_the_panel_before_are_not_repeated():
    fig = drawn(panel(title="one"), panel(title="two", row_title=""), panel(title="three", row_title="A"))
    shown = [[label.get_text() for label in ax.get_yticklabels()] for ax in matrices(fig)]
    assert shown == [["row0", "row1", "row2"], ["", "", ""], ["row0", "row1", "row2"]]
    plt.close(fig)


@pytest.mark.slow
def test_nothing_is_similar():
    fig = drawn(panel(2, 2, values=np.zeros((2, 2))))
    assert mesh(matrices(fig)[0]).get_clim() == (0, 1)
    plt.close(fig)


@pytest.mark.slow
def test_one_large_value_does_not_take_the_scale():
    values = np.random.default_rng(0).uniform(0.1, 0.25, (12, 10))
    assert scale_end(values) == values.max()
    values[-1, -1] = 0.5
    end = scale_end(values)
    assert 0.22 < end <= 0.25
    many = np.tile(values, (4, 5))
    assert 0.22 < (end := scale_end(many)) <= 0.25
    fig = drawn(large(48, 50, values=many))
    (ax,) = matrices(fig)
    assert mesh(ax).get_clim() == (0, end)
    np.testing.assert_array_equal(mesh(ax).get_array(), many)
    (key,) = ax.child_axes
    assert key._colorbar.extend == "max"
    plt.close(fig)
    # Where many values are large, they are the scale.
    assert scale_end(np.eye(5)) == 1
    assert scale_end(np.zeros((3, 3))) == 1
    assert scale_end([]) == 1


@pytest.mark.slow
def test_values_by_chance_are_hatched_and_neither_marked_nor_part_of_the_scale():
    values = np.array([[0.2, 0.9, 0.1], [0.3, 0.1, 0.2], [0.5, 0.6, 0.7]])
    by_chance = values > 0.45
    fig = drawn(panel(3, 3, values=values, by_chance=by_chance))
    (ax,) = matrices(fig)
    hatched = {(int(patch.get_y()), int(patch.get_x())) for patch in ax.patches if patch.get_hatch()}
    assert hatched == {(0, 1), (2, 0), (2, 1), (2, 2)}
    assert mesh(ax).get_clim() == (0, 0.3)
    assert frames(ax) == [(0, 0), (1, 0)]
    assert [text.get_text() for text in ax.texts if text.get_text()] == [".20", ".10", ".30", ".10", ".20"]
    plt.close(fig)
    with pytest.raises(ValueError, match="told to be by chance"):
        drawn(panel(3, 3, by_chance=np.zeros((2, 3), bool)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "long", ["block_13_expand_relu" * 4, "fire9/concat", "Имя слоя с пробелами " * 3, "a$b$c^{2" * 9]
)
@pytest.mark.parametrize("count", [1, 3])
def test_long_names_are_shortened_and_never_cut_off(long, count):
    names = [f"{long}{place}" for place in range(4)]
    panels = [Panel(long, np.full((4, 4), 0.3), names, names, long, long)] * count
    fig = drawn(*panels)
    assert figure.overflow(fig) == []
    for ax in matrices(fig):
        labels = [label.get_text() for label in ax.get_xticklabels()]
        assert len(set(labels)) == 4
        assert [label[-1] for label in labels] == ["0", "1", "2", "3"]
    boxes = [ax.get_tightbbox() for ax in matrices(fig)]
    assert all(one.x1 <= other.x0 + 1 for one, other in pairwise(boxes))
    assert all(text.get_fontsize() >= 6 for text in fig.findobj(Text) if text.get_text())
    plt.close(fig)


def test_values_that_are_no_similarities_of_these_layers_are_refused():
    fig = plt.figure()
    for values, words in ((np.zeros((3, 3)), "for 3 and 4 layers"), (np.full((3, 4), np.nan), "finite")):
        with pytest.raises(ValueError, match=words):
            similarity_matrices.draw(fig, [panel(values=values)])
    with pytest.raises(ValueError, match="not negative"):
        similarity_matrices.draw(fig, [panel(values=np.full((3, 4), -0.1))])
    plt.close(fig)
