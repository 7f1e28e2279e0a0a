"""Lines of the aligned networks are as strong as the values, and join the layers that they are of."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.patches import PathPatch

from netlens.model_comparison.graph_layout import drawing_of
from netlens.model_comparison.network_graph import LayerGraph
from netlens.plots import style
from netlens.plots.aligned_networks import Side, draw, height_in, side_of
from netlens.publish import figure


def chain(network, count):
    edges = np.array([(index, index + 1) for index in range(count - 1)]).reshape(-1, 2)
    return Side(network, tuple(f"layer{index}" for index in range(count)), edges)


@pytest.fixture
def drawn():
    """Give a function that draws and gives figure and axes."""
    with mpl.rc_context():
        style.paper()

        def drawing(sides, values):
            fig = plt.figure(figsize=(style.WIDTH_IN, height_in(sides)), layout="none")
            draw(fig, sides, values)
            return fig, fig.axes[0]

        yield drawing
        plt.close("all")


def test_a_line_joins_its_layers_and_is_as_strong_as_its_value(drawn):
    sides = [chain("one", 3), chain("two", 4)]
    values = np.random.default_rng(0).uniform(0.05, 0.8, (3, 4))
    _, ax = drawn(sides, values)
    texts = {text.get_text(): text for text in ax.texts}
    assert {"one", "two"} <= set(texts)
    lines = ax.get_lines()
    assert len(lines) == 12
    tops = [np.linspace(1 / 8, 7 / 8, count) for count in (3, 4)]
    seen = {}
    for line in lines:
        start, end = line.get_ydata()
        row, column = (int(np.argmin(np.abs(top - y))) for top, y in zip(tops, (start, end), strict=True))
        np.testing.assert_allclose([start, end], [tops[0][row], tops[1][column]])
        seen[row, column] = line
    widest = max(line.get_linewidth() for line in lines)
    for (row, column), line in seen.items():
        share = values[row, column] / values.max()
        assert line.get_alpha() == pytest.approx(share)
        assert line.get_linewidth() / widest == pytest.approx(share)
        is_best = column == values[row].argmax()
        assert (to_rgb(line.get_color()) == style.PALETTE[3]) == is_best
        assert is_best or line.get_zorder() < min(seen[r, values[r].argmax()].get_zorder() for r in range(3))


def test_a_connection_around_layers_bows_outwards(drawn):
    left = Side("one", ("a", "b", "c"), np.array([(0, 1), (1, 2), (0, 2)]))
    _, ax = drawn([left, chain("two", 2)], np.full((3, 2), 0.5))
    curves = [patch.get_path().vertices for patch in ax.patches if isinstance(patch, PathPatch)]
    bows = [np.ptp(curve[:, 0]) > 0 for curve in curves]
    assert sum(bows) == 1
    bowed = curves[bows.index(True)]
    assert bowed[1:3, 0].max() < bowed[0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 14])
def test_long_names_and_many_layers_stay_inside(drawn, count):
    long = "a_network_whose_name_is_much_longer_than_there_is_room_for_it"
    sides = [
        Side(long, tuple(f"{long}{index}" for index in range(count)), np.zeros((0, 2), int)),
        Side(long, tuple(f"W{index}" * 7 for index in range(count)), np.array([(0, count - 1)] if count > 2 else [])),
    ]
    fig, ax = drawn(
        [Side(side.network, side.labels, side.edges.reshape(-1, 2).astype(int)) for side in sides],
        np.full((count, count), 0.3),
    )
    assert figure.overflow(fig) == []
    assert all(text.get_fontsize() >= 6 for text in fig.findobj(mpl.text.Text) if text.get_text())
    # What tells the layers apart is at both ends of their names.
    labels = [text.get_text() for text in ax.texts]
    assert len(set(labels[:count])) == count


def test_one_strong_pair_does_not_make_all_others_faint(drawn):
    values = np.full((8, 8), 0.2)
    values[7, 7] = 0.9
    fig, ax = drawn([chain("one", 8), chain("two", 8)], values)
    assert {line.get_alpha() for line in ax.get_lines()} == {1.0}
    assert fig.legends[0].get_title().get_text() == "whitened similarity, share of 0.20 (at most 100%)"


def test_similarity_by_chance_has_no_line(drawn):
    values, by_chance = np.array([[0.9, 0.3], [0.2, 0.8]]), np.array([[True, False], [False, True]])
    sides = [chain("one", 2), chain("two", 2)]
    fig = plt.figure(figsize=(style.WIDTH_IN, height_in(sides)), layout="none")
    draw(fig, sides, values, by_chance)
    lines = fig.axes[0].get_lines()
    assert sorted(line.get_alpha() for line in lines) == pytest.approx([0, 0, 2 / 3, 1])


def test_nothing_similar_draws_nothing_strong(drawn):
    _, ax = drawn([chain("one", 2), chain("two", 2)], np.zeros((2, 2)))
    assert all(line.get_alpha() == 0 for line in ax.get_lines())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\) for 2 and 2 layers"),
        (np.full((2, 2), np.nan), "negative or not finite"),
        (np.full((2, 2), -0.1), "negative or not finite"),
    ],
)
def test_values_that_cannot_be_drawn_are_refused(drawn, values, message):
    with pytest.raises(ValueError, match=message):
        drawn([chain("one", 2), chain("two", 2)], values)


def test_lines_of_other_layers_than_the_graphs_are_refused():
    sizes, edges = np.array([4, 4]), np.array([[0, 1]])
    graph = LayerGraph(
        "one", ("a", "b"), ("A", "B"), ("conv", "conv"), sizes, sizes, sizes, sizes > 0, edges, drawing_of(2, edges)
    )
    assert side_of(graph, ["a", "b"]).labels == ("A", "B")
    with pytest.raises(ValueError, match="other layers of one than its graph"):
        side_of(graph, ["b", "a"])
