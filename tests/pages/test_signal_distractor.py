"""The interactive page in a real browser: it computes what Python computes, and everybody can use it."""

import math
from pathlib import Path

import numpy as np
import pytest
import yaml

from netlens.signal_distractor import two_dimensions as sd

sync_api = pytest.importorskip("playwright.sync_api")

NOISE = sd.draw_noise(500, 1337)
PAGE = "signal_distractor.html"
ITEMS = Path(__file__).parents[2] / "notebooks/signal_distractor/items.yaml"
UNDEFINED = (0, 20, 40)


def turn_to(page, step):
    page.locator("#turn").fill(str(step))


def degrees(page, selector):
    value = page.locator(selector).get_attribute("data-degrees")
    return None if value is None else float(value)


def state(page):
    """All that is shown for the present angle, as numbers."""
    cells = ("weight-analytic", "weight-fitted", "pattern-analytic", "pattern-fitted", "between-analytic")
    arrows = ("arrow-signal", "arrow-distractor", "arrow-weight", "arrow-pattern")
    return {name: degrees(page, f"#{name}") for name in (*cells, "between-fitted", *arrows)}


def test_page_starts_at_the_configured_angle(open_page):
    page = open_page(PAGE)
    assert page.locator("#turn").input_value() == "5"
    assert page.locator("#angle").inner_text() == "t = 0.25 π = 45°"
    assert page.title() == "Signal and distractor"


@pytest.mark.parametrize("step", [0, 1, 5, 10, 19, 20, 21, 27, 33, 39, 40])
def test_numbers_agree_with_python(open_page, step):
    page = open_page(PAGE)
    turn_to(page, step)
    shown = state(page)
    t = np.pi * step / 20
    curves = sd.angle_curves([t], NOISE)
    expected = {
        "weight-analytic": curves.weight_analytic[0],
        "weight-fitted": curves.weight_fitted[0],
        "pattern-analytic": 0.0,
        "pattern-fitted": curves.pattern_fitted[0],
        "arrow-signal": 0.0,
        "arrow-distractor": sd.angle_to_signal(sd.distractor_direction(t)),
        "arrow-weight": curves.weight_analytic[0],
        "arrow-pattern": curves.pattern_fitted[0],
        "between-analytic": 90.0,
        "between-fitted": 90.0,
    }
    if step in UNDEFINED:
        for name in ("weight-analytic", "weight-fitted", "arrow-weight", "between-analytic", "between-fitted"):
            expected.pop(name)
            assert shown.pop(name) is None
    # -180 and 180 degrees are the same direction.
    assert {name: math.cos(math.radians(a)) for name, a in shown.items()} == pytest.approx(
        {name: math.cos(math.radians(a)) for name, a in expected.items()}, abs=1e-12
    )
    for name in shown.keys() - {"arrow-distractor"}:
        assert shown[name] == pytest.approx(expected[name], abs=1e-10), name


@pytest.mark.parametrize("step", [0, 7, 26])
def test_points_and_arrows_stand_where_python_puts_them(open_page, step):
    page = open_page(PAGE)
    turn_to(page, step)
    sample = sd.make_sample(NOISE, np.pi * step / 20)
    drawn = page.eval_on_selector_all(
        "#plane .point", "points => points.map(p => [Number(p.getAttribute('cx')), Number(p.getAttribute('cy'))])"
    )
    np.testing.assert_allclose(np.array(drawn) * [1, -1] / 50, sample.x, atol=1.1e-4)  # written with 2 decimals
    # The arrow's tip on the screen, in the data's units, against the true direction with length 2.
    script = """name => {
      const svg = document.getElementById('plane');
      const head = document.querySelector(`#arrow-${name} .head`);
      const tip = svg.createSVGPoint(); tip.x = 100; tip.y = 0;
      const at = tip.matrixTransform(head.getScreenCTM()).matrixTransform(svg.getScreenCTM().inverse());
      return [at.x / 50, -at.y / 50];
    }"""
    expected = {
        "signal": np.array([1.0, 0.0]),
        "distractor": sd.distractor_direction(sample.t),
        "pattern": sd.unit(sd.covariance(sample.x, sample.y)),
    }
    if sd.weight_is_defined(sample.t):
        expected["weight"] = sd.unit(sd.analytic_weight(sample.t))
    for name, direction in expected.items():
        np.testing.assert_allclose(page.evaluate(script, name), 2 * direction, atol=1e-4)


def test_weight_turns_and_pattern_stays(open_page):
    page = open_page(PAGE)
    weights, patterns = [], []
    for step in range(1, 20):
        turn_to(page, step)
        weights.append(degrees(page, "#weight-fitted"))
        patterns.append(degrees(page, "#pattern-fitted"))
    np.testing.assert_allclose(np.diff(weights), 9, atol=1e-9)
    assert max(map(abs, patterns)) < 3


@pytest.mark.parametrize(("step", "words"), [(0, "t = 0"), (20, "t = π = 180°"), (40, "t = 2 π = 360°")])
def test_undefined_weight_is_said_everywhere(open_page, step, words):
    page = open_page(PAGE)
    turn_to(page, step)
    assert page.locator("#angle").inner_text() == words
    for cell in ("weight-analytic", "weight-fitted", "between-analytic", "between-fitted"):
        assert page.locator(f"#{cell}").inner_text() == "undefined"
    assert "undefined" in page.locator("#sentence").inner_text()
    assert page.locator("#plane .undefined").is_visible()
    assert not page.locator("#arrow-weight").is_visible()
    assert "undefined" in page.locator("#plane").get_attribute("aria-label")
    assert degrees(page, "#pattern-fitted") == pytest.approx(0, abs=1e-9)
    assert page.locator("#pattern-fitted").inner_text() == "0.00°"
    for text in page.locator("td").all_inner_texts():
        assert "NaN" not in text
        assert "Infinity" not in text
    turn_to(page, 5)
    assert not page.locator("#plane .undefined").is_visible()
    assert page.locator("#arrow-weight").is_visible()


def test_keyboard(open_page):
    page = open_page(PAGE)
    slider = page.locator("#turn")
    page.keyboard.press("Tab")  # the link to the content
    while page.evaluate("document.activeElement.id") != "turn":
        page.keyboard.press("Tab")
    for key, step in [("ArrowRight", 6), ("ArrowUp", 7), ("ArrowLeft", 6), ("ArrowDown", 5), ("End", 40), ("Home", 0)]:
        page.keyboard.press(key)
        assert slider.input_value() == str(step), key
        assert (degrees(page, "#arrow-distractor") - 9 * step + 180) % 360 == pytest.approx(180, abs=1e-9)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "on"  # "back" has nowhere to go at 0 and is passed over
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert slider.input_value() == "2"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert slider.input_value() == "1"


def test_mouse(open_page):
    page = open_page(PAGE)
    slider = page.locator("#turn")
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.click(box["x"] + box["width"] / 2, middle)
    assert slider.input_value() == "20"
    seen = set()
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for part in np.linspace(0.5, 1, 15):
        page.mouse.move(box["x"] + part * box["width"], middle)
        seen.add(page.locator("#weight-fitted").inner_text())
    page.mouse.up()
    assert slider.input_value() == "40"
    assert len(seen) > 10  # it follows while the button is down, not only afterwards
    page.locator("#back").click()
    assert slider.input_value() == "39"
    assert page.locator("#angle").inner_text() == "t = 1.95 π = 351°"


def test_touch(open_page):
    page = open_page(PAGE, has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740})
    slider = page.locator("#turn")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.touchscreen.tap(box["x"] + box["width"] * 0.75, middle)
    assert abs(int(slider.input_value()) - 30) <= 1
    devtools = page.context.new_cdp_session(page)

    def touch(kind, part=None):
        points = [] if part is None else [{"x": box["x"] + box["width"] * part, "y": middle}]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.75)
    for part in np.linspace(0.75, 0.25, 8):
        touch("touchMove", part)
    touch("touchEnd")
    assert abs(int(slider.input_value()) - 10) <= 1
    before = int(slider.input_value())
    page.locator("#on").tap()
    assert int(slider.input_value()) == before + 1
    for button in ("#on", "#back", "#turn"):
        assert page.locator(button).bounding_box()["height"] >= 40


def test_noise_is_the_same_after_turning_round(open_page):
    page = open_page(PAGE)
    places = "points => points.map(p => p.getAttribute('cx') + ' ' + p.getAttribute('cy'))"
    before = page.eval_on_selector_all("#plane .point", places)
    turn_to(page, 31)
    assert page.eval_on_selector_all("#plane .point", places) != before
    turn_to(page, 5)
    assert page.eval_on_selector_all("#plane .point", places) == before


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_no_sideways_scrolling_and_nothing_cut_off(open_page, width):
    page = open_page(PAGE, viewport={"width": width, "height": 740})
    for step in (0, 13, 40):
        turn_to(page, step)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg text')].filter(text => {
          if (getComputedStyle(text).display === 'none') return false;
          const own = text.getBoundingClientRect(), frame = text.closest('svg').getBoundingClientRect();
          return own.left < frame.left - 1 || own.right > frame.right + 1 || own.top < frame.top - 1
            || own.bottom > frame.bottom + 1;
        }).map(text => text.textContent)"""
    )
    assert outside == []


@pytest.mark.parametrize("width", [320, 360, 840, 1000, 1280])
def test_slider_stays_where_it_is_while_it_is_moved(open_page, width):
    page = open_page(PAGE, viewport={"width": width, "height": 740})
    places = set()
    for step in (0, 1, 13, 20, 33, 40):
        turn_to(page, step)
        places.add(page.locator("#turn").bounding_box()["y"])
    assert len(places) == 1


def test_phone_shows_plane_and_slider_together(open_page):
    page = open_page(PAGE, viewport={"width": 360, "height": 740})
    plane, slider = page.locator("#plane").bounding_box(), page.locator("#turn").bounding_box()
    assert slider["y"] + slider["height"] - plane["y"] < 740


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_readable(open_page, readable, scheme):
    page = open_page(PAGE, color_scheme=scheme)
    kinds = "h1, h2, p, a, td, th, li, label, caption, figcaption, button, code, #angle"
    readable(page, scheme, f"[...document.querySelectorAll('{kinds}')].filter(e => !e.disabled)", more_than=5)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_arrows_stand_out_and_differ_in_more_than_colour(open_page, scheme, contrast):
    page = open_page(PAGE, color_scheme=scheme)
    panel = page.evaluate("getComputedStyle(document.querySelector('#plane .box')).fill")
    looks = page.evaluate(
        """() => ['signal', 'distractor', 'weight', 'pattern'].map(name => {
          const style = getComputedStyle(document.querySelector(`#arrow-${name} .arrow`));
          return [style.stroke, style.strokeWidth + ' ' + style.strokeDasharray];
        })"""
    )
    assert len({shape for _, shape in looks}) == 4
    for colour, _ in looks:
        assert contrast(colour, panel) >= 3, colour


def test_printed_page_is_light_and_without_controls(open_page, luminance):
    page = open_page(PAGE, color_scheme="dark")
    turn_to(page, 13)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert luminance(page.evaluate("getComputedStyle(document.body).color")) < 0.05
    for hidden in ("#turn", "#on", ".ticks", ".home"):
        assert not page.locator(hidden).is_visible()
    for kept in ("#plane", "#angle", "#weight-fitted", "#circle"):
        assert page.locator(kept).is_visible()


def test_screen_reader_hears_the_angle_and_what_it_means(open_page):
    page = open_page(PAGE)
    slider = page.get_by_role("slider", name="Angle t of the distractor")
    assert slider.get_attribute("aria-valuetext") == "0.25 π"
    status = page.get_by_role("status")
    sync_api.expect(status).to_contain_text("45.0° from the signal")
    # On the way nothing is said, only where the slider comes to rest.
    page.evaluate(
        """() => {
          const slider = document.getElementById('turn');
          window.heard = [];
          new MutationObserver(() => window.heard.push(document.getElementById('said').textContent))
            .observe(document.getElementById('said'), { childList: true });
          for (let step = 6; step <= 20; step += 1) {
            slider.value = step;
            slider.dispatchEvent(new Event('input'));
          }
        }"""
    )
    sync_api.expect(status).to_contain_text("undefined")
    assert len(page.evaluate("window.heard")) == 1
    assert slider.get_attribute("aria-valuetext") == "π"
    for image in ("#plane", "#circle"):
        assert page.locator(image).get_attribute("role") == "img"
        assert len(page.locator(image).get_attribute("aria-label")) > 60
    for button, name in (("#back", "One step back"), ("#on", "One step on")):
        assert page.locator(button).get_attribute("aria-label") == name
    assert page.locator("h1").count() == 1
    assert page.locator("table caption").count() == 1
    assert page.locator("main").count() == 1


def test_policy_stops_what_the_check_cannot_see(browser, site):
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.route("http://**", lambda route: (asked.append(route.request.url), route.abort()))
    page.goto((site / PAGE).as_uri())
    blocked = page.evaluate(
        """async () => {
          const image = new Image();
          const seen = new Promise(done => image.addEventListener('error', () => done('blocked')));
          image.src = 'http://example.invalid/a.png';
          return [await seen, await window['fet' + 'ch']('http://example.invalid/').catch(() => 'blocked')];
        }"""
    )
    context.close()
    assert blocked == ["blocked", "blocked"]
    assert asked == []


def test_index_leads_to_the_page_and_back(open_page):
    page = open_page("index.html", viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("link", name="Signal and distractor").click()
    page.wait_for_url("**/signal_distractor.html")
    page.get_by_role("link", name="All pages of study demo").click()
    page.wait_for_url("**/index.html")


def test_sentence_of_the_page_is_that_of_the_list_of_items(open_page):
    items = yaml.safe_load(ITEMS.read_text(encoding="utf-8"))
    page = open_page(PAGE)
    assert page.locator(".shows").inner_text() == items["signal_distractor"]["shows"]
    assert page.locator("meta[name=description]").get_attribute("content") == items["signal_distractor"]["shows"]
