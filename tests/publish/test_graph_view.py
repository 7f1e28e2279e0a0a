"""What the pages of graphs are given: of the right layers, complete, small enough; or one line of what is wrong."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from netlens.model_comparison.graph_layout import drawing_of, pack
from netlens.publish import graph_view, page
from netlens.publish.page import PageError

EDGES = [(0, 1), (1, 2), (0, 2)]


@pytest.fixture
def graph():
    return {
        "network": np.array("tiny"),
        "names": np.array(["input", "conv", "sum"]),
        "labels": np.array(["input", "c", "s"]),
        "kinds": np.array(["input", "conv", "add"]),
        "channels": np.array([3, 4, 4]),
        "heights": np.array([8, 4, -1]),
        "widths": np.array([6, 3, -1]),
        "edges": np.array(EDGES),
        **pack(drawing_of(3, EDGES)),
    }


@pytest.fixture
def caricatures():
    """Not in the graph's order, and one of a layer that the graph has not."""
    colours = np.array([[200, 10, 10], [10, 200, 10], [10, 10, 200]], np.uint8)
    pictures = np.tile(colours[:, None, None], (1, 16, 16, 1))
    return {"layers": np.array(["sum", "hidden", "conv"]), "pictures_0": pictures, "pictures_1": pictures[::-1]}


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
    assert [(node["x"], node["y"]) for node in data["nodes"]] == list(zip(graph["x"], graph["y"], strict=True))
    assert data["nodes"][0]["pictures"] == []
    conv, total = (data["nodes"][place]["pictures"] for place in (1, 2))
    # Solid colours come out of JPEG within a step or two.
    for uri, wanted in zip([*conv, *total], [(10, 10, 200), (200, 10, 10), (200, 10, 10), (10, 10, 200)], strict=True):
        np.testing.assert_allclose(colour(uri).astype(int), wanted, atol=2)
    assert [(edge["from"], edge["to"]) for edge in data["edges"]] == EDGES
    assert [edge["shortcut"] for edge in data["edges"]] == [False, False, True]
    for edge, route in zip(data["edges"], drawing_of(3, EDGES).routes, strict=True):
        np.testing.assert_array_equal(edge["points"], route)
    # It can stand in a page.
    page.embed(graph_view.graph_data([data], IMAGE, "coffee"))


def test_a_network_of_one_layer_has_no_edges(caricatures):
    alone = {
        "network": np.array("one"),
        "names": np.array(["conv"]),
        "labels": np.array(["c"]),
        "kinds": np.array(["conv"]),
        "channels": np.array([4]),
        "heights": np.array([4]),
        "widths": np.array([3]),
        "edges": np.zeros((0, 2), int),
        **pack(drawing_of(1, [])),
    }
    assert graph_view.network_data(alone, caricatures)["edges"] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": None}, "the graph's arrays lack labels"),
        ({"channels": np.array([3, 4])}, "not of the same layers"),
        ({"edges": np.array([(0, 1), (1, 3), (0, 2)])}, "not of the same edges"),
        ({"edges": np.array([(0, 1), (1, 2)])}, "not of the same edges"),
        ({"points": np.zeros((2, 2))}, "not of the same edges"),
        ({"kinds": np.array(["input", "conv", "magic"])}, "no word for layers of the kind 'magic'"),
    ],
)
def test_graphs_that_do_not_fit_are_refused(graph, caricatures, change, message):
    changed = {name: values for name, values in {**graph, **change}.items() if values is not None}
    with pytest.raises(PageError, match=message):
        graph_view.network_data(changed, caricatures)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pictures_1": None}, "lack pictures_1"),
        ({"pictures_1": np.zeros((2, 16, 16, 3), np.uint8)}, "not as many as their layers"),
        ({"pictures_1": np.zeros((3, 16, 16, 3))}, "a caricature of type float64"),
        ({"pictures_1": np.zeros((3, 16, 16), np.uint8)}, r"shape \(16, 16\)"),
    ],
)
def test_caricatures_that_are_none_are_refused(graph, caricatures, change, message):
    changed = {name: values for name, values in {**caricatures, **change}.items() if values is not None}
    with pytest.raises(PageError, match=message):
        graph_view.network_data(graph, changed)


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
        ({"matrices": {("tiny", "tiny", "cka"): np.full((3, 3), np.nan)}}, "no similarities"),
        ({"matrices": {("tiny", "tiny", "cka"): np.full((3, 3), -0.1)}}, "no similarities"),
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
    with pytest.raises(PageError, match="would weigh"):
        graph_view.check_size({**data, "networks": [many] * times})
