"""The pages of the model comparison in a real browser: by mouse, by keyboard, by touch, in small and dark windows."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from netlens.publish import graph_view

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

LAYERS, NODES, ALIGNED = "layer_graph.html", "node_graph.html", "aligned_graphs.html"
PAGES = (LAYERS, NODES, ALIGNED)
ITEMS = Path(__file__).parents[2] / "notebooks/model_comparison/items.yaml"
FIRST, SECOND = "branchy & <odd>", "plain"
PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 375, "height": 667}}


def node(page, name, network=None):
    """The button of a layer, by its whole name."""
    start = f"{network}, {name}:" if network else f"{name}:"
    return page.locator(f".gv-node[aria-label^='{start}']").last


def active(page):
    """The layer that has the focus."""
    return page.evaluate("document.activeElement.getAttribute('aria-label')?.split(':')[0]")


def tip(page):
    return page.get_by_role("tooltip")


def colours(page, selector):
    """The colour in the middle of each picture."""
    return page.evaluate(
        """selector => Promise.all([...document.querySelectorAll(selector)].map(async image => {
          await image.decode();
          const canvas = document.createElement('canvas');
          canvas.width = canvas.height = 1;
          const context = canvas.getContext('2d');
          context.drawImage(image, image.naturalWidth / 2, image.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
          return Array.from(context.getImageData(0, 0, 1, 1).data).slice(0, 3);
        }))""",
        selector,
    )


def check_caricatures(page, comparison, selector, *layers):
    """The pictures there are the caricatures of these (network, layer), power 0 and 1."""
    wanted = [comparison.colours[network, layer, power] for network, layer in layers for power in (0, 1)]
    # Stored as JPEG, which is a step or two off.
    np.testing.assert_allclose(colours(page, f"{selector} img"), wanted, atol=4)


def overlaps(one, other):
    return (
        min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"]) > 0.01
        and min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"]) > 0.01
    )


def boxes(page, selector=".gv-node"):
    return page.evaluate(
        """selector => [...document.querySelectorAll(selector)].map(e => {
          const { x, y, width, height } = e.getBoundingClientRect();
          return { x, y, width, height };
        })""",
        selector,
    )


def into_the_graph(page):
    """Come to the graph by the Tab key."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('gv-node')"):
            return
    raise AssertionError("Tab never comes to the graph")


def outside(page):
    """A place that belongs to nothing."""
    return page.locator("h1")


# ---- one network: pointing


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("stem", ["convolution", "8", "32 × 32 positions"]),
        ("sum", ["addition", "18", "16 × 16 positions"]),
        ("logits", ["dense layer", "5", "no positions"]),
    ],
)
def test_pointing_at_a_layer_shows_what_it_is_and_its_caricatures(open_page, comparison, name, facts):
    page = open_page(LAYERS)
    assert not tip(page).is_visible()
    node(page, name).hover()
    assert tip(page).locator(".gv-name").inner_text() == name
    assert tip(page).locator("dd").all_inner_texts() == facts
    check_caricatures(page, comparison, ".gv-tip", (FIRST, name))
    assert tip(page).locator("figcaption").all_inner_texts() == ["cosine power 0", "cosine power 1"]
    outside(page).hover()
    expect(tip(page)).to_be_hidden()


def test_only_what_is_compared_is_among_the_layers_and_everything_among_the_nodes(open_page, comparison):
    labels = "[...document.querySelectorAll('.gv-node')].map(e => e.getAttribute('aria-label').split(':')[0])"
    assert open_page(LAYERS).evaluate(labels) == list(comparison.layers[FIRST])
    assert open_page(NODES).evaluate(labels) == list(comparison.graphs[FIRST].layers.names)


@pytest.mark.parametrize("name", ["mix_pool", "block_norm", "mix_3x3_narrow"])
def test_every_node_has_its_own_caricatures(open_page, comparison, name):
    page = open_page(NODES)
    node(page, name).hover()
    assert tip(page).locator(".gv-name").inner_text() == name
    check_caricatures(page, comparison, ".gv-tip", (FIRST, name))


def test_the_input_shows_the_image(open_page, comparison):
    page = open_page(NODES)
    node(page, "input").hover()
    shown = colours(page, ".gv-tip img")
    assert shown == colours(page, ".gv-image img")
    assert shown == [comparison.caricatures[FIRST].image[8, 8].tolist()]
    assert page.locator(".gv-image").first.inner_text().split("\n")[-1] == "coffee & <cup>"


def test_the_tooltip_can_be_entered_and_escape_closes_it_under_the_mouse(open_page):
    page = open_page(LAYERS)
    node(page, "mix").hover()
    box = tip(page).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.wait_for_timeout(400)
    assert tip(page).is_visible()
    page.keyboard.press("Escape")
    assert not tip(page).is_visible()


def test_a_click_keeps_and_a_click_elsewhere_lets_go(open_page):
    page = open_page(NODES)
    name = tip(page).locator(".gv-name")
    node(page, "mix").click()
    outside(page).hover()
    page.wait_for_timeout(400)
    assert name.inner_text() == "mix"
    assert node(page, "mix").get_attribute("aria-pressed") == "true"
    # Another layer is shown while the mouse is over it, then the kept one again.
    node(page, "stem").hover()
    assert name.inner_text() == "stem"
    outside(page).hover()
    expect(name).to_have_text("mix")
    page.mouse.click(2, 2)
    expect(tip(page)).to_be_hidden()
    assert node(page, "mix").get_attribute("aria-pressed") == "false"
    node(page, "mix").click()
    node(page, "mix").click()
    expect(tip(page)).to_be_hidden()


def test_pointing_marks_the_connections_and_what_they_lead_to(open_page, comparison):
    page = open_page(NODES)
    node(page, "mix").hover()
    near = page.evaluate(
        "[...document.querySelectorAll('.gv-near')].map(e => e.getAttribute('aria-label').split(':')[0])"
    )
    assert set(near) == {"mix_1x1", "mix_3x3", "mix_pool", "block", "sum"}
    edges = comparison.graphs[FIRST].layers.edges
    place = comparison.graphs[FIRST].layers.names.index("mix")
    lit = page.evaluate("[...document.querySelectorAll('.gv-edge')].map(e => e.classList.contains('gv-on'))")
    np.testing.assert_array_equal(lit, (edges == place).any(axis=1))


# ---- one network: where things are


@pytest.mark.parametrize("width", [375, 768, 1280])
@pytest.mark.parametrize("name", [LAYERS, NODES])
def test_nodes_do_not_overlap_and_lie_in_the_drawings_order(open_page, comparison, name, width):
    page = open_page(name, viewport={"width": width, "height": 800})
    found = boxes(page)
    assert not any(overlaps(*pair) for pair in itertools.combinations(found, 2))
    graph = comparison.graphs[FIRST]
    places = (graph.compared if name == LAYERS else graph.layers).drawing.places
    sideways = page.locator(".gv-stage").get_attribute("data-way") == "sideways"
    assert sideways == (name == LAYERS)  # a chain, and short
    along, across = (("x", "width"), ("y", "height")) if sideways else (("y", "height"), ("x", "width"))
    for (start, size), column in ((along, 1), (across, 0)):
        middles = np.array([box[start] + box[size] / 2 for box in found])
        step = np.polyfit(places[:, column], middles, 1) if np.ptp(places[:, column]) else [0, middles[0]]
        np.testing.assert_allclose(middles, np.polyval(step, places[:, column]), atol=0.6)


def test_edges_join_their_layers_and_shortcuts_go_around(open_page, comparison):
    page = open_page(NODES, viewport={"width": 700, "height": 800})
    graph = comparison.graphs[FIRST].layers
    found = boxes(page)
    stage = page.locator(".gv-stage").bounding_box()
    ends = page.evaluate(
        """() => [...document.querySelectorAll('.gv-edge')].map(e => {
          const length = e.getTotalLength();
          const at = share => { const { x, y } = e.getPointAtLength(share * length); return [x, y]; };
          return { start: at(0), end: at(1), way: Array.from({ length: 200 }, (_, i) => at(i / 199)) };
        })"""
    )
    for (source, user), edge in zip(graph.edges, ends, strict=True):
        one, other = found[source], found[user]
        start, end = np.array(edge["start"]), np.array(edge["end"])
        corner = np.array([stage["x"], stage["y"]])
        np.testing.assert_allclose(corner + start, [one["x"] + one["width"] / 2, one["y"] + one["height"]], atol=1)
        np.testing.assert_allclose(corner + end, [other["x"] + other["width"] / 2, other["y"]], atol=1)
        for place, box in enumerate(found):
            if place not in (source, user):
                inside = [
                    box["x"] < x + corner[0] < box["x"] + box["width"]
                    and box["y"] < y + corner[1] < box["y"] + box["height"]
                    for x, y in edge["way"]
                ]
                assert not any(inside)
    shortcuts = page.evaluate(
        "[...document.querySelectorAll('.gv-edge')].map(e => e.classList.contains('gv-shortcut'))"
    )
    assert shortcuts == graph.drawing.shortcuts.tolist()
    assert sum(shortcuts) == 1
    assert page.get_by_text("shortcut around layers").is_visible()


@pytest.mark.parametrize("size", [(375, 667), (320, 256), (1280, 800)])
@pytest.mark.parametrize("name", [LAYERS, NODES])
def test_tooltips_never_leave_the_window(open_page, name, size):
    page = open_page(name, viewport={"width": size[0], "height": size[1]})
    # 320 x 256 is a window of 1280 x 1024 at four times the size.
    into_the_graph(page)
    for _ in range(page.locator(".gv-node").count()):
        button = page.locator(".gv-node:focus")
        box = tip(page).bounding_box()
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]
        if size[1] > 300:
            assert not overlaps(box, button.bounding_box())
        page.keyboard.press("ArrowRight")


def test_in_a_wide_window_no_tooltip_lies_on_the_graph(open_page):
    page = open_page(NODES, viewport={"width": 800, "height": 800})
    wide = page.evaluate("document.querySelector('.gv-stage').offsetWidth") + 600
    page.set_viewport_size({"width": wide, "height": 800})
    expect(page.locator(".gv-stage")).to_have_attribute("data-way", "down")
    into_the_graph(page)
    for _ in range(page.locator(".gv-node").count()):
        assert not any(overlaps(tip(page).bounding_box(), box) for box in boxes(page))
        page.keyboard.press("ArrowRight")


def test_the_tooltip_moves_along_and_goes_with_its_layer(open_page):
    page = open_page(NODES, viewport={"width": 1000, "height": 500})
    node(page, "mix").click()
    before = tip(page).bounding_box(), node(page, "mix").bounding_box()
    top = boxes(page)[0]["y"]  # before the wheel: scrolling may be over at once
    page.mouse.wheel(0, 60)
    page.wait_for_function("top => document.querySelector('.gv-node').getBoundingClientRect().top < top - 50", arg=top)
    after = tip(page).bounding_box(), node(page, "mix").bounding_box()
    assert after[0]["y"] - after[1]["y"] == pytest.approx(before[0]["y"] - before[1]["y"], abs=130)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    expect(tip(page)).to_be_hidden()
    page.evaluate("window.scrollTo(0, 300)")
    expect(tip(page)).to_be_visible()


# ---- one network: keyboard, touch, the choice of the network


def test_by_keyboard_alone(open_page, comparison):
    page = open_page(LAYERS)
    into_the_graph(page)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    seen = []
    for layer in comparison.layers[FIRST]:
        seen.append(active(page))
        assert tip(page).locator(".gv-name").inner_text() == layer
        check_caricatures(page, comparison, ".gv-tip", (FIRST, layer))
        page.keyboard.press("ArrowRight")
    assert seen == list(comparison.layers[FIRST])
    page.keyboard.press("ArrowRight")  # the end is the end
    assert active(page) == "logits"
    page.keyboard.press("ArrowLeft")
    assert active(page) == "sum"
    page.keyboard.press("Home")
    assert active(page) == "stem"
    page.keyboard.press("Escape")
    assert not tip(page).is_visible()
    assert active(page) == "stem"
    # Kept, it stays when the focus goes on, and Tab leaves the graph at once.
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert tip(page).locator(".gv-name").inner_text() == "logits"
    page.keyboard.press("Escape")
    assert not tip(page).is_visible()
    # Back to the layer that was left.
    page.keyboard.press("Shift+Tab")
    assert active(page) == "logits"
    page.keyboard.press("Space")
    assert node(page, "logits").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Space")
    assert node(page, "logits").get_attribute("aria-pressed") == "false"


def test_arrow_keys_come_to_every_node_and_follow_connections(open_page, comparison):
    page = open_page(NODES, viewport={"width": 700, "height": 800})
    into_the_graph(page)
    graph = comparison.graphs[FIRST].layers
    names = list(graph.names)
    edges = {(names[source], names[user]) for source, user in graph.edges}
    order = [names[place] for place in np.lexsort(graph.drawing.places.T)]
    seen = [active(page)]
    for _ in names[1:]:
        page.keyboard.press("ArrowRight")
        seen.append(active(page))
    assert seen == order
    # Up and down along connections, around nothing.
    page.keyboard.press("Home")
    way = [active(page)]
    while way[-1] != "logits":
        page.keyboard.press("ArrowDown")
        assert (way[-1], active(page)) in edges
        way.append(active(page))
    assert way[way.index("mix") : way.index("sum") + 1] == ["mix", "block", "block_norm", "sum"]
    here = active(page)
    while here != "input":
        page.keyboard.press("ArrowUp")
        assert (active(page), here) in edges
        here = active(page)
    page.keyboard.press("ArrowUp")
    assert active(page) == "input"


@pytest.mark.parametrize("name", [LAYERS, NODES])
def test_touch(open_page, comparison, name):
    page = open_page(name, **PHONE)
    node(page, "mix").tap()
    assert tip(page).locator(".gv-name").inner_text() == "mix"
    check_caricatures(page, comparison, ".gv-tip", (FIRST, "mix"))
    page.wait_for_timeout(300)
    assert tip(page).is_visible()
    node(page, "logits").tap()
    assert tip(page).locator(".gv-name").inner_text() == "logits"
    page.locator(".gv-keys").scroll_into_view_if_needed()
    page.locator(".gv-keys").tap(position={"x": 5, "y": 5})
    expect(tip(page)).to_be_hidden()
    node(page, "logits").tap()
    assert tip(page).is_visible()
    node(page, "logits").tap()
    expect(tip(page)).to_be_hidden()
    assert min(min(box["width"], box["height"]) for box in boxes(page)) >= 24


def test_another_network_is_chosen(open_page, comparison):
    page = open_page(NODES)
    node(page, "mix").click()
    outside(page).hover()
    page.get_by_label("Network").select_option(label="plain (6 layers)")
    assert not tip(page).is_visible()
    assert page.locator(".gv-node").count() == 6
    node(page, "conv3").hover()
    check_caricatures(page, comparison, ".gv-tip", (SECOND, "conv3"))
    assert tip(page).locator("dd").all_inner_texts() == ["convolution", "1", "10 × 10 positions"]
    assert "plain" in page.locator(".gv-stage").get_attribute("aria-label")
    assert "1 channel," in node(page, "conv3").get_attribute("aria-label")
    summary = page.locator("summary")
    assert "plain" in summary.inner_text()


def test_the_table_says_what_the_graph_says(open_page, comparison):
    page = open_page(NODES)
    page.locator("summary").click()
    rows = page.locator("tbody tr").all()
    graph = comparison.graphs[FIRST].layers
    assert [row.locator("th").inner_text() for row in rows] == list(graph.names)
    cells = rows[list(graph.names).index("mix")].locator("td").all_inner_texts()
    assert cells[:4] == ["concatenation", "18", "16 × 16", "mix_1x1, mix_3x3, mix_pool"]
    check_caricatures(page, comparison, "tbody tr:nth-child(7)", (FIRST, graph.names[6]))


# ---- two networks


def lines(page):
    """Of each line of similarity its ends, opacity, width and colour."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.gv-link')].map(e => {
          const style = getComputedStyle(e);
          const [, ...numbers] = e.getAttribute('d').match(/M([-\\d.]+),([-\\d.]+) L([-\\d.]+),([-\\d.]+)/);
          return { ends: numbers.map(Number), opacity: Number(style.strokeOpacity),
                   width: parseFloat(style.strokeWidth),
                   best: e.classList.contains('gv-best'), on: e.classList.contains('gv-on') };
        })"""
    )


def by_layers(page, counts):
    """The lines by the layers that they join: (row, column)."""
    found = boxes(page)
    middles = [[box["y"] + box["height"] / 2 for box in part] for part in (found[: counts[0]], found[counts[0] :])]
    top = page.locator(".gv-stage").bounding_box()["y"]
    joined = {}
    for line in lines(page):
        _, start, _, end = line["ends"]
        distances = [np.abs(np.array(side) - top - y) for side, y in zip(middles, (start, end), strict=True)]
        assert max(distance.min() for distance in distances) < 1
        joined[tuple(int(distance.argmin()) for distance in distances)] = line
    return joined


def matrix(comparison, first, second, measure="whitened"):
    return comparison.similarities.matrix(first, second, measure)


def check_lines(page, values):
    joined = by_layers(page, values.shape)
    assert set(joined) == set(np.ndindex(*values.shape))
    for (row, column), line in joined.items():
        share = values[row, column] / values.max()
        assert line["opacity"] == pytest.approx(share, abs=1e-3)
        assert line["width"] == pytest.approx(1 + 4 * share, abs=1e-2)
        assert line["best"] == (column == values[row].argmax())


@pytest.fixture
def still(open_page):
    """Give a function that opens the aligned graphs without anything that moves."""
    return lambda **context: open_page(ALIGNED, reduced_motion="reduce", **context)


@pytest.mark.parametrize("width", [375, 1280])
def test_lines_are_as_strong_as_layers_are_similar(still, comparison, width):
    page = still(viewport={"width": width, "height": 900})
    values = matrix(comparison, FIRST, SECOND)
    check_lines(page, values)
    found = boxes(page)
    assert not any(overlaps(*pair) for pair in itertools.combinations(found, 2))
    stage = page.locator(".gv-stage").bounding_box()
    for line in lines(page):
        assert line["ends"][0] == pytest.approx(found[0]["x"] + found[0]["width"] - stage["x"], abs=1)
        assert line["ends"][2] == pytest.approx(found[-1]["x"] - stage["x"], abs=1)
    assert f"in full at the largest, {values.max():.2f}" in page.locator(".gv-summary").inner_text()


def test_measure_and_pair_are_chosen(still, comparison):
    page = still()
    for label, measure in (("linear CKA", "cka"), ("SVCCA", "svcca"), ("whitened", "whitened")):
        page.get_by_label("Measure").select_option(label=label)
        check_lines(page, matrix(comparison, FIRST, SECOND, measure))
    page.get_by_label("Measure").select_option(label="linear CKA")
    page.get_by_label("Networks").select_option(label=f"{SECOND} and itself")
    check_lines(page, matrix(comparison, SECOND, SECOND, "cka"))
    assert page.locator(".gv-heads b").all_inner_texts() == [SECOND, SECOND]


@pytest.mark.parametrize(("side", "place"), [(0, 2), (1, 0), (1, 4)])
def test_pointing_at_a_layer_shows_its_lines_values_and_both_ends(still, comparison, side, place):
    page = still()
    values = matrix(comparison, FIRST, SECOND)
    networks = [FIRST, SECOND]
    layers = [comparison.layers[network] for network in networks]
    node(page, layers[side][place], networks[side]).hover()
    row = values[place] if side == 0 else values[:, place]
    for ends, line in by_layers(page, values.shape).items():
        mine = ends[side] == place
        assert line["on"] == mine
        share = values[ends] / row.max() if mine else 0.05
        assert line["opacity"] == pytest.approx(share, abs=1e-3)
        assert line["width"] == pytest.approx(1 + 4 * share, abs=1e-2)
        assert line["best"] == (mine and ends[1 - side] == row.argmax())
    tags = page.locator(".gv-value").all_inner_texts()
    shown = tags[: len(layers[0])] if side == 1 else tags[len(layers[0]) :]
    assert shown == [f"{value:.2f}" for value in row]
    assert sum(map(bool, tags)) == len(row)
    assert page.locator(".gv-most").inner_text() == f"{row.max():.2f}"
    best = layers[1 - side][row.argmax()]
    check_caricatures(page, comparison, ".gv-panel", (networks[side], layers[side][place]), (networks[1 - side], best))
    words = page.locator(".gv-words").inner_text()
    assert f"most similar in {networks[1 - side]} is" in words
    assert f"whitened {row.max():.2f}" in words
    outside(page).hover()
    expect(page.locator(".gv-words")).to_contain_text("Nothing is pointed at")
    check_lines(page, values)


def test_with_nothing_pointed_at_the_most_similar_pair_is_told(still, comparison):
    page = still()
    values = matrix(comparison, FIRST, SECOND)
    row, column = np.unravel_index(values.argmax(), values.shape)
    ends = (FIRST, comparison.layers[FIRST][row]), (SECOND, comparison.layers[SECOND][column])
    check_caricatures(page, comparison, ".gv-panel", *ends)
    assert page.locator(".gv-panel .gv-name").all_inner_texts() == [ends[0][1], ends[1][1]]
    assert f"{values.max():.2f}" in page.locator(".gv-words").inner_text()


def test_aligned_by_keyboard_alone(still, comparison):
    page = still()
    into_the_graph(page)
    values = matrix(comparison, FIRST, SECOND)
    assert active(page) == f"{FIRST}, stem"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert active(page) == f"{FIRST}, {comparison.layers[FIRST][2]}"
    best = values[2].argmax()
    page.keyboard.press("ArrowLeft")  # there is nothing
    page.keyboard.press("ArrowRight")
    assert active(page) == f"{SECOND}, {comparison.layers[SECOND][best]}"
    back = values[:, best].argmax()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    assert active(page) == f"{FIRST}, {comparison.layers[FIRST][back]}"
    page.keyboard.press("Tab")
    assert page.locator(".gv-on.gv-node").get_attribute("aria-label").startswith(f"{SECOND}, ")
    page.keyboard.press("Escape")
    assert page.locator(".gv-on").count() == 0
    assert "Nothing is pointed at" in page.locator(".gv-words").inner_text()


def test_what_is_kept_stays_with_another_measure(still, comparison):
    page = still()
    node(page, "conv2", SECOND).click()
    page.get_by_label("Measure").select_option(label="SVCCA")
    outside(page).hover()
    values = matrix(comparison, FIRST, SECOND, "svcca")
    best = comparison.layers[FIRST][values[:, 1].argmax()]
    check_caricatures(page, comparison, ".gv-panel", (SECOND, "conv2"), (FIRST, best))
    expect(page.locator(".gv-words")).to_contain_text(f"SVCCA {values[:, 1].max():.2f}")


def test_aligned_by_touch_shows_the_panel_on_the_screen(still, comparison):
    page = still(**PHONE)
    node(page, "mix", FIRST).tap()
    best = comparison.layers[SECOND][matrix(comparison, FIRST, SECOND)[1].argmax()]
    check_caricatures(page, comparison, ".gv-panel", (FIRST, "mix"), (SECOND, best))
    panel = page.locator(".gv-panel").bounding_box()
    assert panel["y"] + panel["height"] <= 667 + 1
    assert panel["y"] >= 667 / 2
    outside(page).tap()
    expect(page.locator(".gv-words")).to_contain_text("Nothing is pointed at")


def test_the_table_of_similarities(still, comparison):
    page = still()
    page.get_by_label("Measure").select_option(label="linear CKA")
    page.locator("summary").click()
    values = matrix(comparison, FIRST, SECOND, "cka")
    cells = [row.locator("td").all_inner_texts() for row in page.locator("tbody tr").all()]
    assert cells == [[f"{value:.2f}" for value in row] for row in values]
    bold = page.locator("td b").all_inner_texts()
    assert bold == [f"{row.max():.2f}" for row in values]
    # It stays open when another measure is chosen.
    page.get_by_label("Measure").select_option(label="whitened")
    assert page.locator("tbody").is_visible()


# ---- all three


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_no_sideways_scrolling(open_page, name, width):
    page = open_page(name, viewport={"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("summary").click()
    page.locator(".gv-node").nth(1).hover()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_window_that_changes_its_width(open_page):
    page = open_page(NODES, viewport={"width": 1280, "height": 800})
    page.get_by_label("Network").select_option(label="plain (6 layers)")
    assert page.locator(".gv-stage").get_attribute("data-way") == "sideways"
    node(page, "conv2").click()
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.locator(".gv-stage")).to_have_attribute("data-way", "down")
    assert max(box["x"] + box["width"] for box in boxes(page)) <= 390
    # The tooltip is where its layer is now.
    node(page, "conv2").scroll_into_view_if_needed()
    box = tip(page).bounding_box()
    assert box["x"] + box["width"] <= 390
    assert not overlaps(box, node(page, "conv2").bounding_box())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_light_and_dark_are_readable(open_page, readable, contrast, scheme, name):
    page = open_page(name, color_scheme=scheme, reduced_motion="reduce")
    page.locator("summary").click()
    page.locator(".gv-node").nth(2).hover()
    texts = """[...document.querySelectorAll('#content *')]
      .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.tagName !== 'NOSCRIPT')"""
    readable(page, scheme, texts, more_than=40)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    # What is not text: the marks of kinds, the lines that are pointed at.
    for selector, kind in ((".gv-edge.gv-on", "stroke"), (".gv-link.gv-on", "stroke")):
        for colour in page.locator(selector).evaluate_all(f"found => found.map(e => getComputedStyle(e).{kind})"):
            assert contrast(colour, ground) >= 3, (selector, colour, ground)


@pytest.mark.parametrize("name", PAGES)
def test_names_and_roles(open_page, name):
    page = open_page(name)
    for control in page.locator("button, select, [role=group], [role=region]").all():
        label = control.evaluate("e => e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent")
        assert label.strip()
    for picture in page.locator("img").all():
        assert picture.get_attribute("alt") is not None
        # Pictures inside of a layer's button are told by the layer itself.
        inside = picture.evaluate("e => Boolean(e.closest('button'))")
        assert bool(picture.get_attribute("alt")) != inside
    assert page.locator(".gv-lines").get_attribute("aria-hidden") == "true"
    assert page.locator(".gv-node[tabindex='0']").count() == 1
    assert page.locator("h1").count() == 1
    into_the_graph(page)
    page.keyboard.press("ArrowDown")
    shown = page.locator(".gv-node:focus")
    if name != ALIGNED:
        assert shown.get_attribute("aria-describedby") == tip(page).get_attribute("id")
        assert page.locator("[aria-describedby]").count() == 1
    expect(page.get_by_role("status")).to_contain_text(shown.locator("b").inner_text())


@pytest.mark.parametrize("name", PAGES)
def test_who_wants_no_motion_gets_none(open_page, name):
    moving = (
        "[...document.querySelectorAll('.graph-view *')].some(e => getComputedStyle(e).transitionDuration !== '0s')"
    )
    assert not open_page(name, reduced_motion="reduce").evaluate(moving)


@pytest.mark.parametrize("name", PAGES)
def test_printed_page_is_light_and_without_controls(open_page, name):
    page = open_page(name, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in (".gv-keys", ".home"):
        assert not page.locator(hidden).is_visible()
    assert page.locator(".gv-node").first.is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_file_is_small_enough_and_says_what_the_list_of_items_says(open_page, site, name):
    assert (site / name).stat().st_size < graph_view.MOST_BYTES
    items = yaml.safe_load(ITEMS.read_text(encoding="utf-8"))
    page = open_page(name)
    assert page.locator(".shows").inner_text() == items[name.removesuffix(".html")]["shows"]
    assert re.search(r"branchy & <odd>", page.locator("#content").inner_text())
