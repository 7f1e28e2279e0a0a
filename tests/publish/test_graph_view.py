"""What the pages of graphs are given: of the right layers, complete, small enough; or one line of what is wrong."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from netlens.model_comparison.graph_layout import drawing_of
from netlens.model_comparison.network_graph import LayerGraph
from netlens.model_comparison.results import Caricatures
from netlens.publish import graph_view, page
from netlens.publish.page import PageError

EDGES = [(0, 1), (1, 2), (0, 2)]


@pytest.fixture
def graph():
    return LayerGraph(
        network="tiny",
        names=("input", "conv", "sum"),
        labels=("input", "c", "s"),
        kinds=("input", "conv", "add"),
        channels=np.array([3, 4, 4]),
        heights=np.array([8, 4, -1]),
        widths=np.array([6, 3, -1]),
        trunk=np.ones(3, bool),
        edges=np.array(EDGES),
        drawing=drawing_of(3, EDGES),
    )


@pytest.fixture
def caricatures():
    """Not in the graph's order, and one of a layer that the graph does not have."""
    colors = np.array([[200, 10, 10], [10, 200, 10], [10, 10, 200]], np.uint8)
    pictures = np.tile(colors[:, None, None], (1, 16, 16, 1))
    return Caricatures(
        network="tiny",
        class_name="coffee",
        image=pictures[0],
        layers=("sum", "hidden", "conv"),
        compared=("conv",),
        by_cosine_power={0: pictures, 1: pictures[::-1]},
    )


IMAGE = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)


def colour(uri):
    kind, _, data = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.size == (16, 16)
        return np.asarray(picture)[8, 8]


def test_nodes_edges_and_pictures_are_those_of_the_arrays(graph, caricatures):
    data = graph_view.network_data(graph, caricatures)
    assert data["name"] == "tiny"
    assert [node["name"] for node in data["nodes"]] == ["input", "conv", "sum"]
    assert [(node["height"], node["width"]) for node in data["nodes"]] == [(8, 6), (4, 3), (0, 0)]
    assert [[node["x"], node["y"]] for node in data["nodes"]] == graph.drawing.places.tolist()
    assert data["nodes"][0]["pictures"] == []
    conv, total = (data["nodes"][place]["pictures"] for place in (1, 2))
    # Solid colours come out of JPEG within a step or two.
    for uri, wanted in zip([*conv, *total], [(10, 10, 200), (200, 10, 10), (200, 10, 10), (10, 10, 200)], strict=True):
        np.testing.assert_allclose(colour(uri).astype(int), wanted, atol=2)
    assert [(edge["from"], edge["to"]) for edge in data["edges"]] == EDGES
    assert [edge["shortcut"] for edge in data["edges"]] == [False, False, True]
    for edge, route in zip(data["edges"], drawing_of(3, EDGES).routes, strict=True):
        np.testing.assert_array_equal(edge["points"], route)
    assert [node["stands_in"] for node in data["nodes"]] == [1, 1, 2]
    # It can stand in a page.
    page.embed(graph_view.graph_data([data], IMAGE, "coffee"))


def test_a_layer_without_caricature_is_shown_with_the_nearest_before_it(graph, caricatures):
    conv_only = replace(
        caricatures,
        layers=("conv",),
        by_cosine_power={power: values[2:] for power, values in caricatures.by_cosine_power.items()},
    )
    nodes = graph_view.network_data(graph, conv_only)["nodes"]
    assert [node["stands_in"] for node in nodes] == [1, 1, 1]
    none = replace(conv_only, layers=("elsewhere",))
    nodes = graph_view.network_data(graph, none)["nodes"]
    assert [(node["pictures"], node["stands_in"]) for node in nodes] == [([], 0), ([], 1), ([], 2)]


def test_a_network_of_one_layer_has_no_edges(caricatures):
    size = np.array([4])
    alone = LayerGraph(
        "one", ("conv",), ("c",), ("conv",), size, size, size, size > 0, np.zeros((0, 2), int), drawing_of(1, [])
    )
    assert graph_view.network_data(alone, caricatures)["edges"] == []


def test_a_kind_of_layer_that_the_view_cannot_name_is_refused(graph, caricatures):
    with pytest.raises(PageError, match="no name for layers of the kind 'magic'"):
        graph_view.network_data(replace(graph, kinds=("input", "conv", "magic")), caricatures)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (np.zeros((3, 16, 16, 3)), "a caricature has type float64"),
        (np.zeros((3, 16, 16), np.uint8), r"shape \(16, 16\), not uint8"),
    ],
)
def test_caricatures_that_are_not_images_are_refused(graph, caricatures, pictures, message):
    broken = replace(caricatures, by_cosine_power={**caricatures.by_cosine_power, 1: pictures})
    with pytest.raises(PageError, match=message):
        graph_view.network_data(graph, broken)


def aligned(graph, caricatures, **changes):
    network = graph_view.network_data(graph, caricatures)
    values = np.linspace(0.1, 1 / 3, 9).reshape(3, 3)
    given = {
        "layers": {"tiny": ["input", "conv", "sum"]},
        "matrices": {("tiny", "tiny", "cka"): values},
        "measures": {"cka": "linear CKA"},
    }
    return graph_view.aligned_data([network], IMAGE, "coffee", **{**given, **changes})


def test_similarities_are_those_of_the_pair_and_measure(graph, caricatures):
    data = aligned(graph, caricatures)
    (pair,) = data["pairs"]
    assert pair["ends"] == [0, 0]
    np.testing.assert_allclose(pair["values"]["cka"], np.linspace(0.1, 1 / 3, 9).reshape(3, 3), rtol=5e-5)
    assert data["measures"] == [{"name": "cka", "label": "linear CKA"}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": {"tiny": ["input", "sum", "conv"]}}, "of other layers of tiny than the graph"),
        ({"layers": {}}, "of other layers of tiny than the graph"),
        ({"measures": {"svcca": "SVCCA"}}, "no similarity 'svcca' of tiny with tiny"),
        ({"measures": {}}, "needs a pair of networks and a measure"),
        ({"matrices": {}}, "needs a pair of networks and a measure"),
        ({"matrices": {("tiny", "other", "cka"): np.ones((3, 3))}}, "no graph of network 'other'"),
        ({"matrices": {("tiny", "tiny", "cka"): np.ones((3, 2))}}, re.escape("shape (3, 2), but (3, 3) layers")),
        ({"matrices": {("tiny", "tiny", "cka"): np.full((3, 3), np.nan)}}, "negative or not finite"),
        ({"matrices": {("tiny", "tiny", "cka"): np.full((3, 3), -0.1)}}, "negative or not finite"),
    ],
)
def test_similarities_that_do_not_fit_are_refused(graph, caricatures, changes, message):
    with pytest.raises(PageError, match=message):
        aligned(graph, caricatures, **changes)


def test_where_all_networks_are_too_much_the_first_is_shown(graph, caricatures):
    network = graph_view.network_data(graph, caricatures)
    heavy = {**network, "nodes": [{**node, "pictures": ["x" * 1_500_000]} for node in network["nodes"]]}
    assert len(graph_view.fitting([network, network], IMAGE, "coffee")["networks"]) == 2
    assert len(graph_view.fitting([network, heavy, heavy], IMAGE, "coffee")["networks"]) == 1
    assert len(graph_view.fitting([heavy, network], IMAGE, "coffee")["networks"]) == 2
    with pytest.raises(PageError, match="needs a network"):
        graph_view.fitting([], IMAGE, "coffee")
    heavier = {**heavy, "nodes": heavy["nodes"] * 2}
    with pytest.raises(PageError, match="more than 6 MB: make the pictures smaller"):
        graph_view.fitting([heavier], IMAGE, "coffee")


def test_the_estimated_weight_is_that_of_the_page(graph, caricatures, tmp_path):
    network = graph_view.network_data(graph, caricatures)
    many = {**network, "nodes": network["nodes"] * 200}
    data = graph_view.graph_data([many], IMAGE, "coffee")
    saved = page.save(
        '<div id="graph-view"></div>', tmp_path / "page", title="t", shows="s", study="a", images_are="b", source="c",
        data=data, style=graph_view.style(), script=graph_view.page_script(),
    )  # fmt: skip
    limit = graph_view.MOST_BYTES
    size = saved.path.stat().st_size
    assert size < limit
    # What counts against the limit is never less than what is written, nor much more.
    times = limit // size + 1
    with pytest.raises(PageError, match="would have"):
        graph_view.check_size({**data, "networks": [many] * times})
