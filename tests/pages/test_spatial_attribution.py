"""The page of spatial attribution in a real browser, and the same view as a notebook's widget."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from netlens.publish import spatial_view
from netlens.spatial_attribution.packing import unpacked
from netlens.spatial_attribution.results import AttributionMaps
from netlens.spatial_attribution.two_classes import two_class_colors

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

PAGE = "spatial_attribution.html"
ITEMS = Path(__file__).parents[2] / "notebooks/spatial_attribution/items.yaml"
EARLY, LATE = 0, 1
#: Of the largest magnitude of a map, and what its sign is painted in.
OPAQUE, POSITIVE, NEGATIVE = 230, (255, 92, 190), (40, 205, 130)


def pixels(page, side):
    """The map that is drawn over a picture, (height, width, 4)."""
    found = page.evaluate(
        """side => {
          const canvas = document.querySelectorAll('.sv-map')[side];
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return [canvas.height, canvas.width, Array.from(data)];
        }""",
        side,
    )
    height, width, values = found
    return np.array(values).reshape(height, width, 4)


def between(spatial, pair, gradient=0, image=0):
    """The maps of a pair, as the arrays have them: (target height, target width, source height, source width)."""
    return unpacked(spatial[f"between.{pair}"][gradient, image], spatial[f"scales.{pair}"][gradient, image])


def check_signed(page, side, values):
    """Alpha says how much and the colour says which sign, of each position."""
    drawn = pixels(page, side)
    assert drawn.shape[:2] == values.shape
    np.testing.assert_allclose(drawn[..., 3], OPAQUE * np.abs(values) / np.abs(values).max(), atol=0.51)
    clear = drawn[..., 3] > 60  # the fainter, the coarser the browser keeps colours
    for sign, colour in ((1, POSITIVE), (-1, NEGATIVE)):
        those = clear & (np.sign(values) == sign)
        assert those.any()
        assert np.abs(drawn[those][:, :3] - colour).max() <= 3


def check_classes(page, side, first, second):
    """The hints have the colours of netlens.spatial_attribution.two_classes."""
    drawn = pixels(page, side)
    np.testing.assert_allclose(drawn[..., :3], 255 * two_class_colors(first, second), atol=3.1)
    strength = np.maximum(np.maximum(first, second), 0)
    most = np.maximum(np.stack([first, second, (first + second) / 2]), 0).max()
    np.testing.assert_allclose(drawn[..., 3], 70 + 130 * strength / most, atol=0.51)


def stage(page, side):
    return page.locator(".sv-stage").nth(side)


def centre(page, side, row, column, size):
    box = stage(page, side).bounding_box()
    # The border is one pixel wide.
    inner = box["width"] - 2, box["height"] - 2
    return box["x"] + 1 + inner[0] * (column + 0.5) / size[1], box["y"] + 1 + inner[1] * (row + 0.5) / size[0]


def point(page, side, row, column, size):
    stage(page, side).scroll_into_view_if_needed()
    page.mouse.move(*centre(page, side, row, column, size))


def sizes(spatial, pair=0):
    source, target = spatial["pairs"][pair]
    return tuple(spatial["layer_sizes"][source]), tuple(spatial["layer_sizes"][target])


def shows(page):
    return [page.locator(".sv-map").nth(side).get_attribute("data-shows") for side in (EARLY, LATE)]


def classes(spatial, layer, image=0, gradient=0, chosen=(0, 1)):
    return [spatial[f"classes.{layer}"][gradient, image, place] for place in chosen]


def test_hints_of_both_classes_in_both_layers_at_first(open_page, spatial):
    page = open_page(PAGE)
    assert shows(page) == ["classes", "classes"]
    for side in (EARLY, LATE):
        check_classes(page, side, *classes(spatial, side))
    legend = page.locator(".sv-legend").inner_text()
    assert "A speaks for moon" in legend
    assert "B speaks for astronaut" in legend
    told = page.locator(".sv-sentence").inner_text()
    for side, label in ((EARLY, "early"), (LATE, "late")):
        for letter, values in zip("AB", classes(spatial, side), strict=True):
            row, column = np.unravel_index(values.argmax(), values.shape)
            assert re.search(rf"in {label} most for .*{letter} at row {row + 1}, column {column + 1}", told)
            tag = page.locator(f".sv-picture >> nth={side} >> .sv-tag", has_text=letter)
            expect(tag).to_be_visible()


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 5), (5, 7)])
def test_pointing_at_the_later_layer_changes_the_earlier_one(open_page, spatial, row, column):
    page = open_page(PAGE)
    before = pixels(page, LATE)
    point(page, LATE, row, column, sizes(spatial)[1])
    values = between(spatial, 0)[row, column]
    check_signed(page, EARLY, values)
    assert shows(page) == ["attribution", "classes"]
    np.testing.assert_array_equal(pixels(page, LATE), before)
    told = page.locator(".sv-sentence").inner_text()
    height, width = values.shape
    for tag, extreme in (("+", values.argmax()), ("−", values.argmin())):
        place = page.locator(".sv-picture >> nth=0 >> .sv-tag", has_text=tag).get_attribute("style")
        down, across = np.unravel_index(extreme, values.shape)
        found = [float(share) for share in re.findall(r"(?:left|top): ([\d.]+)%", place)]
        assert found == pytest.approx([100 * across / width, 100 * down / height], abs=0.01)
    top, left = np.unravel_index(values.argmax(), values.shape)
    assert told.startswith(f"late, row {row + 1}, column {column + 1}: draws most on early, ")
    assert f"early, row {top + 1}, column {left + 1} (" in told
    assert float(re.search(r"\(([\d.]+)\)", told)[1]) == pytest.approx(values.max(), rel=0.05)


@pytest.mark.parametrize(("row", "column"), [(0, 15), (7, 3), (11, 0)])
def test_pointing_at_the_earlier_layer_changes_the_later_one(open_page, spatial, row, column):
    page = open_page(PAGE)
    point(page, EARLY, row, column, sizes(spatial)[0])
    values = between(spatial, 0)[:, :, row, column]
    check_signed(page, LATE, values)
    assert shows(page) == ["classes", "attribution"]
    assert (
        page.locator(".sv-sentence")
        .inner_text()
        .startswith(f"early, row {row + 1}, column {column + 1}: adds most to late, ")
    )
    caption = page.locator(".sv-caption").nth(EARLY).inner_text()
    a, b = (values[row, column] for values in classes(spatial, 0))
    found = [float(number.replace("−", "-")) for number in re.findall(r"[AB] (−?[\d.]+)", caption)]
    assert found == pytest.approx([a, b], rel=0.05)


def test_hints_come_back_when_the_mouse_leaves(open_page, spatial):
    page = open_page(PAGE)
    before = pixels(page, EARLY)
    point(page, LATE, 3, 3, sizes(spatial)[1])
    assert shows(page) == ["attribution", "classes"]
    page.mouse.move(2, 2)
    assert shows(page) == ["classes", "classes"]
    np.testing.assert_array_equal(pixels(page, EARLY), before)


def test_a_click_keeps_a_position_and_another_lets_it_go(open_page, spatial):
    page = open_page(PAGE)
    size = sizes(spatial)[1]
    point(page, LATE, 3, 3, size)
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(2, 2)
    check_signed(page, EARLY, between(spatial, 0)[3, 3])
    # Another position is shown while the mouse is over it, then the kept one again.
    point(page, LATE, 0, 6, size)
    check_signed(page, EARLY, between(spatial, 0)[0, 6])
    page.mouse.move(2, 2)
    check_signed(page, EARLY, between(spatial, 0)[3, 3])
    page.get_by_role("button", name="Let go").click()
    page.mouse.move(2, 2)
    assert shows(page) == ["classes", "classes"]
    assert page.get_by_role("button", name="Let go").is_disabled()


def test_a_silent_position_has_an_empty_map(open_page, spatial):
    page = open_page(PAGE)
    point(page, LATE, 1, 2, sizes(spatial)[1])
    assert not pixels(page, EARLY)[..., 3].any()
    assert "nothing in early has any part in it" in page.locator(".sv-sentence").inner_text()
    assert not page.locator(".sv-picture >> nth=0 >> .sv-tag:visible").count()
    assert "NaN" not in page.locator("body").inner_text()


def test_keyboard(open_page, spatial):
    page = open_page(PAGE)
    while page.evaluate("document.activeElement.className") != "sv-stage":
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    maps = between(spatial, 0)
    height, width = sizes(spatial)[0]
    row, column = height // 2, width // 2
    steps = [
        ("ArrowUp", row, column),  # the first finds the middle
        ("ArrowUp", row - 1, column),
        ("ArrowLeft", row - 1, column - 1),
        ("ArrowDown", row, column - 1),
        ("ArrowRight", row, column),
        ("End", row, width - 1),
        ("ArrowRight", row, width - 1),  # the edge is the end
        ("Home", row, 0),
        ("PageUp", 0, 0),
        ("Control+End", height - 1, width - 1),
    ]
    for key, down, across in steps:
        page.keyboard.press(key)
        assert page.locator(".sv-sentence").inner_text().startswith(f"early, row {down + 1}, column {across + 1}:"), key
        check_signed(page, LATE, maps[:, :, down, across])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.querySelectorAll('.sv-stage')[1]")
    page.keyboard.press("ArrowDown")
    check_signed(page, EARLY, maps[3, 4])
    page.keyboard.press("Escape")
    assert shows(page) == ["classes", "classes"]


def test_touch(open_page, spatial):
    page = open_page(PAGE, has_touch=True, is_mobile=True, viewport={"width": 400, "height": 800})
    size = sizes(spatial)[1]
    stage(page, LATE).scroll_into_view_if_needed()
    page.touchscreen.tap(*centre(page, LATE, 2, 1, size))
    check_signed(page, EARLY, between(spatial, 0)[2, 1])
    page.touchscreen.tap(*centre(page, LATE, 4, 6, size))
    check_signed(page, EARLY, between(spatial, 0)[4, 6])
    page.touchscreen.tap(*centre(page, LATE, 4, 6, size))
    assert shows(page) == ["classes", "classes"]
    # A finger that is drawn across shows what lies under it.
    devtools = page.context.new_cdp_session(page)

    def touch(kind, *where):
        points = [] if not where else [dict(zip("xy", centre(page, LATE, *where, size), strict=True))]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0, 0)
    for column in (1, 2, 3, 5):
        touch("touchMove", 0, column)
    touch("touchEnd")
    check_signed(page, EARLY, between(spatial, 0)[0, 5])
    for control in page.locator("select, button, .sv-scenes label").all():
        assert control.bounding_box()["height"] >= 40


def test_both_pictures_fit_on_the_screen_of_a_phone(open_page):
    page = open_page(PAGE, has_touch=True, is_mobile=True, viewport={"width": 400, "height": 800})
    first, second = (stage(page, side).bounding_box() for side in (EARLY, LATE))
    assert second["y"] + second["height"] - first["y"] < 800


@pytest.mark.parametrize("pair", [1, 2])
def test_choice_of_the_pair(open_page, spatial, pair):
    page = open_page(PAGE)
    page.get_by_label("Layers").select_option(str(pair))
    source, target = sizes(spatial, pair)
    for side, layer in zip((EARLY, LATE), spatial["pairs"][pair], strict=True):
        check_classes(page, side, *classes(spatial, layer))
        assert spatial["layers"][layer] in stage(page, side).get_attribute("aria-label")
    point(page, LATE, 2, 7, target)
    check_signed(page, EARLY, between(spatial, pair)[2, 7])
    point(page, EARLY, 5, 1, source)
    check_signed(page, LATE, between(spatial, pair)[:, :, 5, 1])


def test_a_kept_position_that_the_new_layer_has_not_is_let_go(open_page, spatial):
    page = open_page(PAGE)
    stage(page, EARLY).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Control+End")
    page.get_by_label("Layers").select_option("1")
    assert shows(page) == ["classes", "classes"]


def test_the_strongest_positions_are_a_table_too(open_page, spatial):
    page = open_page(PAGE, viewport={"width": 320, "height": 740})
    page.get_by_text("The strongest positions as a table").click()
    read = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    rows = page.eval_on_selector_all(".sv-table tbody tr", read)
    assert len(rows) == 20
    assert {row[2] for row in rows} == {"moon", "astronaut"}
    first = classes(spatial, 0)[0]
    at = np.unravel_index(np.argmax(np.abs(first)), first.shape)
    assert rows[0][:2] == ["early", f"row {at[0] + 1}, column {at[1] + 1}"]
    stage(page, LATE).focus()
    page.keyboard.press("ArrowUp")
    values = between(spatial, 0)[3, 4]
    rows = [row for row in page.eval_on_selector_all(".sv-table tbody tr", read) if row[0] == "early"]
    best = np.argsort(-np.abs(values).ravel(), kind="stable")[:5]
    assert [row[1] for row in rows] == [
        f"row {i // values.shape[1] + 1}, column {i % values.shape[1] + 1}" for i in best
    ]
    assert {row[2] for row in rows} == {"late, row 4, column 5"}
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_choice_of_the_gradient_keeps_the_position(open_page, spatial):
    page = open_page(PAGE)
    stage(page, LATE).focus()
    page.keyboard.press("ArrowUp")
    page.get_by_label("Gradient of max-pooling").select_option(label="smooth")
    check_signed(page, EARLY, between(spatial, 0, gradient=1)[3, 4])
    check_classes(page, LATE, *classes(spatial, 1, gradient=1))


def test_choice_of_the_image_and_of_its_classes(open_page, spatial):
    page = open_page(PAGE)
    assert not page.get_by_label("Class A").count()
    page.get_by_role("radio", name="scene 7").check()
    check_classes(page, EARLY, *classes(spatial, 0, image=1))
    assert "A speaks for coffee" in page.locator(".sv-legend").inner_text()
    page.get_by_label("Class B").select_option(label="astronaut")
    page.get_by_label("Class A").select_option(label="gravel & sand")
    check_classes(page, LATE, *classes(spatial, 1, image=1, chosen=(1, 2)))
    legend = page.locator(".sv-legend").inner_text()
    assert "A speaks for gravel & sand" in legend
    assert "B speaks for astronaut" in legend
    point(page, LATE, 5, 0, sizes(spatial)[1])
    check_signed(page, EARLY, between(spatial, 0, image=1)[5, 0])
    expect(page.locator(".sv-image").first).to_have_attribute("alt", "scene 7: coffee, gravel & sand, astronaut")


def test_screen_reader_hears_where_the_pointer_came_to_rest(open_page):
    page = open_page(PAGE)
    status = page.get_by_role("status")
    expect(status).to_contain_text("Nothing is pointed at")
    page.evaluate(
        """() => {
          window.heard = [];
          new MutationObserver(() => window.heard.push(document.querySelector('.sv-said').textContent))
            .observe(document.querySelector('.sv-said'), { childList: true });
        }"""
    )
    stage(page, LATE).focus()
    for key in ("ArrowUp", "ArrowLeft", "Home"):
        page.keyboard.press(key)
    expect(status).to_contain_text("late, row 4, column 1")
    assert len(page.evaluate("window.heard")) <= 2  # on a slow machine one on the way
    for image in page.locator("#spatial-view img").all():
        assert image.get_attribute("alt") is not None
    for canvas, words in zip(
        page.locator("canvas").all(), ("where what is pointed at", "pointed at: row 4"), strict=True
    ):
        assert canvas.get_attribute("role") == "img"
        assert words in canvas.get_attribute("aria-label")
    for control in page.locator("select, input, button").all():
        assert control.evaluate("e => (e.labels?.[0] ?? e).textContent.trim()")
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_no_sideways_scrolling_and_the_images_shape_is_kept(open_page, width):
    page = open_page(PAGE, viewport={"width": width, "height": 800})
    page.get_by_role("radio", name="scene 7").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for side in (EARLY, LATE):
        box = stage(page, side).bounding_box()
        assert (box["width"] - 2) / (box["height"] - 2) == pytest.approx(64 / 48, rel=0.02)
        assert box["width"] > 200 or width < 768


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_moves_under_the_pointer(open_page, spatial, width):
    page = open_page(PAGE, viewport={"width": width, "height": 800})
    # Where the sentence and the captions are longest and shortest.
    distances = set()
    for side, row, column in ((LATE, 0, 0), (LATE, 1, 2), (EARLY, 11, 15), (EARLY, 3, 3), (LATE, 5, 7)):
        point(page, side, row, column, sizes(spatial)[side])
        top, lower = (stage(page, each).bounding_box()["y"] for each in (EARLY, LATE))
        # What is below both pictures may move on a phone, where sentences have more lines.
        legend = page.locator(".sv-legend").bounding_box()["y"] if width > 400 else top
        distances.add((round(lower - top, 1), round(legend - top, 1)))
    assert len(distances) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_readable(open_page, readable, scheme):
    page = open_page(PAGE, color_scheme=scheme)
    texts = """[...document.querySelectorAll('#content *')]
      .filter(e => !e.disabled && !e.matches('.sv-stage *') && [...e.childNodes].some(n => n.nodeType === 3))"""
    readable(page, scheme, texts, more_than=20)


def confused(colours, kind):
    """How colours look to people without one kind of cone (Vienot, Brettel and Mollon 1999), linear RGB."""
    linear = np.where(
        np.array(colours) <= 10, np.array(colours) / 3294.6, ((np.array(colours) / 255 + 0.055) / 1.055) ** 2.4
    )
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    lms = linear @ to_lms.T
    if kind == "protan":
        lms[..., 0] = 2.02344 * lms[..., 1] - 2.52581 * lms[..., 2]
    else:
        lms[..., 1] = 0.494207 * lms[..., 0] + 1.24827 * lms[..., 2]
    return lms @ np.linalg.inv(to_lms).T


@pytest.mark.parametrize("kind", ["protan", "deutan"])
def test_colours_differ_for_colour_blind_people(kind):
    strength = np.linspace(0.4, 1, 7)[None]
    nothing = np.zeros_like(strength)
    first, second = (255 * two_class_colors(*pair) for pair in ((strength, nothing), (nothing, strength)))
    both = confused(np.stack([first[0], second[0]]), kind)
    assert np.linalg.norm(both[0] - both[1], axis=-1).min() > 0.25
    positive, negative = confused([POSITIVE, NEGATIVE], kind)
    assert np.linalg.norm(positive - negative) > 0.25


def test_printed_page_is_light_and_without_controls(open_page):
    page = open_page(PAGE, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in ("select >> nth=0", ".sv-clear", ".sv-keys", ".home"):
        assert not page.locator(hidden).is_visible()
    for kept in (".sv-stage >> nth=0", ".sv-legend", ".sv-sentence"):
        assert page.locator(kept).is_visible()


def test_texts_are_texts(open_page):
    page = open_page(PAGE)
    assert "synthetic <network>" in page.locator("#content").inner_text()


def test_file_is_small_enough_and_says_what_the_list_of_items_says(open_page, site):
    assert (site / PAGE).stat().st_size < spatial_view.MOST_BYTES
    items = yaml.safe_load(ITEMS.read_text(encoding="utf-8"))
    assert open_page(PAGE).locator(".shows").inner_text() == items["spatial_attribution"]["shows"]


# ---- the widget

MODEL = """
const state = DATA;
const heard = {};
window.saved = 0;
window.model = {
  get: name => state[name],
  set: (name, value) => { state[name] = value; },
  save_changes: () => { window.saved += 1; },
  on: (event, callback) => { heard[event] = callback; },
  off: event => { delete heard[event]; },
  change: (name, value) => { state[name] = value; heard[`change:${name}`]?.(); },
  listeners: () => Object.keys(heard).length,
};
"""


@pytest.fixture
def widget(browser, spatial):
    """The widget's module in a page, with a model of the kind that Jupyter gives it."""
    data = spatial_view.view_data(AttributionMaps.from_arrays(spatial))
    model = MODEL.replace("DATA", json.dumps({"data": data, "message": "", "pointed": {}}))
    context = browser.new_context(offline=True)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_content(f"<!DOCTYPE html><style>{spatial_view.style()}</style><div id='cell'></div>")
    page.add_script_tag(content=model)
    page.add_script_tag(
        type="module",
        content=spatial_view.widget_module().replace("export default", "window.widget =")
        + "window.stop = window.widget.render({ model: window.model, el: document.getElementById('cell') });",
    )
    page.wait_for_selector(".sv-stage")
    yield page
    context.close()
    assert complaints == []


def test_widget_draws_and_tells_what_is_kept(widget, spatial):
    check_classes(widget, EARLY, *classes(spatial, 0))
    stage(widget, LATE).focus()
    widget.keyboard.press("ArrowUp")
    check_signed(widget, EARLY, between(spatial, 0)[3, 4])
    assert widget.evaluate("model.get('pointed')") == {"side": 1, "row": 3, "column": 4}
    widget.keyboard.press("Escape")
    assert widget.evaluate("model.get('pointed')") == {}
    assert widget.evaluate("saved") == 2
    point(widget, EARLY, 1, 2, sizes(spatial)[0])
    check_signed(widget, LATE, between(spatial, 0)[:, :, 1, 2])
    assert widget.evaluate("saved") == 2  # what is only hovered over is not told


def test_widget_follows_data_and_message(widget, spatial):
    stage(widget, LATE).focus()
    widget.keyboard.press("ArrowUp")
    other = {
        **spatial,
        **{name: spatial[name][:, ::-1] for name in spatial if re.match(r"(classes|between|scales)\.", name)},
    }
    data = spatial_view.view_data(
        AttributionMaps.from_arrays({**other, "image_classes": spatial["image_classes"][::-1]})
    )
    widget.evaluate("data => model.change('data', data)", data)
    check_signed(widget, EARLY, between(spatial, 0, image=1)[3, 4])  # the position is kept
    alert = widget.locator(".sv-message")
    assert not alert.is_visible()
    widget.evaluate("model.change('message', 'there is no <such> layer')")
    assert alert.inner_text() == "there is no <such> layer"
    widget.evaluate("model.change('data', {})")
    assert widget.locator(".sv-stage").count() == 0
    assert widget.evaluate("model.listeners()") == 2
    widget.evaluate("stop()")
    assert widget.evaluate("model.listeners()") == 0


@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
def test_widget_takes_the_notebooks_colours(widget, ground):
    ink = {"#ffffff": "rgb(20, 20, 20)", "#111111": "rgb(230, 230, 230)"}[ground]
    widget.evaluate(
        "([ink, ground]) => { const s = document.documentElement.style; s.setProperty('--jp-ui-font-color1', ink);"
        " s.setProperty('--jp-layout-color1', ground); }",
        [ink, ground],
    )
    assert widget.evaluate("getComputedStyle(document.querySelector('.sv-sentence')).color") == ink
