"""Drawings of networks: forward, apart, straight where they can be, with shortcuts beside what they go around."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.graph_layout import drawing_of, edges_between, pack, unpack

CHAIN = [(index, index + 1) for index in range(6)]
#: input; 1x1; 3x3 behind its bottleneck; 5x5 likewise; pooling and its reduction; concatenation.
INCEPTION = [(0, 1), (0, 2), (2, 3), (0, 4), (4, 5), (0, 6), (6, 7), (1, 8), (3, 8), (5, 8), (7, 8)]
#: Two residual blocks of two layers, one after the other.
RESIDUAL = [(0, 1), (1, 2), (0, 3), (2, 3), (3, 4), (4, 5), (3, 6), (5, 6), (6, 7)]


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 14))
    possible = [(source, user) for source in range(count) for user in range(source + 1, count)]
    edges = draw(st.lists(st.sampled_from(possible), unique=True, max_size=24)) if possible else []
    return count, sorted(edges)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(graphs())
def test_edges_lead_forward_nodes_are_apart_and_routes_pass_none(graph):
    count, edges = graph
    drawing = drawing_of(count, edges)
    across, down = drawing.places.T
    assert min([across.min(), *(route[:, 0].min() for route in drawing.routes)]) == 0
    assert len(drawing.routes) == len(drawing.shortcuts) == len(edges)
    for one in range(count):
        for other in range(one):
            if down[one] == down[other]:
                assert abs(across[one] - across[other]) >= 1
    for (source, user), route in zip(edges, drawing.routes, strict=True):
        assert down[source] < down[user]
        np.testing.assert_array_equal(route[[0, -1]], drawing.places[[source, user]])
        np.testing.assert_array_equal(np.diff(route[:, 1]), 1)
        for point in route[1:-1]:
            beside = drawing.places[down == point[1], 0]
            assert np.all(np.abs(beside - point[0]) >= 1)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(graphs())
def test_ranks_are_the_longest_paths(graph):
    count, edges = graph
    steps = np.zeros((count, count), int)
    for source, user in edges:
        steps[source, user] = 1
    # The power of the adjacency matrix that is the last to reach a node is the length of its longest path.
    reached, longest = np.eye(count, dtype=int), np.zeros(count)
    for length in range(1, count):
        reached = np.minimum(reached @ steps, 1)
        longest[reached.any(axis=0)] = length
    np.testing.assert_array_equal(drawing_of(count, edges).places[:, 1], longest)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(graphs())
def test_the_same_graph_gives_the_same_drawing_and_comes_back_from_its_arrays(graph):
    count, edges = graph
    drawing = drawing_of(count, edges)
    again = unpack(**pack(drawing_of(count, edges)))
    np.testing.assert_array_equal(drawing.places, again.places)
    np.testing.assert_array_equal(drawing.shortcuts, again.shortcuts)
    assert len(again.routes) == len(edges)
    for one, other in zip(drawing.routes, again.routes, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_chain_is_a_straight_line():
    drawing = drawing_of(7, CHAIN)
    np.testing.assert_array_equal(drawing.places, np.stack([np.zeros(7), np.arange(7)], axis=1))
    assert not drawing.shortcuts.any()


def test_branches_stand_side_by_side_around_what_joins_them():
    drawing = drawing_of(9, INCEPTION)
    across = drawing.places[:, 0]
    np.testing.assert_array_equal(across, [1.5, 0, 1, 1, 2, 2, 3, 3, 1.5])
    # The branch of one layer goes straight down beside the longer ones.
    np.testing.assert_array_equal(drawing.routes[INCEPTION.index((1, 8))], [[0, 1], [0, 2], [1.5, 3]])
    assert not drawing.shortcuts.any()


def test_shortcuts_go_around_and_leave_the_way_through_the_layers_straight():
    drawing = drawing_of(8, RESIDUAL)
    np.testing.assert_array_equal(drawing.places[:, 0], 0)
    assert [edge for edge, shortcut in zip(RESIDUAL, drawing.shortcuts, strict=True) if shortcut] == [(0, 3), (3, 6)]
    np.testing.assert_array_equal(drawing.routes[RESIDUAL.index((0, 3))], [[0, 0], [1, 1], [1, 2], [0, 3]])


def test_a_shortcut_around_branches_stands_outside_of_them():
    edges = [*INCEPTION, (0, 9), (8, 9)]
    drawing = drawing_of(10, edges)
    np.testing.assert_array_equal(drawing.places[:9, 0], drawing_of(9, INCEPTION).places[:, 0])
    np.testing.assert_array_equal(drawing.routes[edges.index((0, 9))][1:-1, 0], 4)


def test_crossings_that_can_be_avoided_are():
    # Two chains whose layers alternate: in the order of their numbers every step would cross.
    edges = [(0, 1), (0, 2), (1, 4), (2, 3), (3, 6), (4, 5)]
    across = drawing_of(7, edges).places[:, 0]
    assert (across[1] < across[2]) == (across[4] < across[3]) == (across[5] < across[6])


def test_nodes_without_edges_have_a_place():
    assert len({tuple(place) for place in drawing_of(3, []).places}) == 3


def test_what_follows_what_among_the_kept():
    np.testing.assert_array_equal(edges_between(9, INCEPTION, [0, 8]), [[0, 1]])
    np.testing.assert_array_equal(edges_between(9, INCEPTION, [0, 3, 8]), [[0, 1], [0, 2], [1, 2]])
    np.testing.assert_array_equal(edges_between(8, RESIDUAL, [0, 3, 6, 7]), [[0, 1], [1, 2], [2, 3]])
    assert edges_between(9, INCEPTION, [1, 2]).shape == (0, 2)


@pytest.mark.parametrize(
    ("count", "edges", "message"),
    [
        (0, [], "without a node"),
        (3, [(1, 0)], "from node 1 to node 0 does not lead to a later one of 3"),
        (3, [(1, 1)], "from node 1 to node 1"),
        (3, [(1, 3)], "from node 1 to node 3"),
        (3, [(-1, 2)], "from node -1"),
        (3, [(0, 1), (1, 2), (0, 1)], "(0, 1) appears twice"),
        (3, [(0, 1, 2)], "(m, 2) is needed"),
    ],
)
def test_graphs_that_are_none_are_refused_in_one_line(count, edges, message):
    with pytest.raises(ComparisonError, match=re.escape(message)) as error:
        drawing_of(count, edges)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kept", [[2, 1], [0, 0], [0, 3], [-1]])
def test_kept_nodes_are_checked(kept):
    with pytest.raises(ComparisonError, match="from 0 to 2, ascending, each once"):
        edges_between(3, [(0, 1)], kept)


def test_arrays_of_another_drawing_are_refused():
    arrays = pack(drawing_of(3, [(0, 1), (1, 2)]))
    for name in ("points", "shortcuts"):
        with pytest.raises(ComparisonError, match="do not fit"):
            unpack(**{**arrays, name: arrays[name][1:]})
