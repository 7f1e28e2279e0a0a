"""The supplement in a real browser: search, links, narrow screens, print, and what a screen reader needs."""

import itertools
import re

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

PAGES = ["index.html", "items/curves.html", "items/maps.html", "items/curveCount.html"]
ALL_PAGES = [
    *PAGES,
    *(f"{name}.html" for name in ("signal_distractor", "layer_graph", "node_graph", "aligned_graphs")),
    "spatial_attribution.html",
]
#: Elements that a reader can use, or that carry a meaning, with their accessible names and what is to be seen.
NAMED = """() => {
  const wanted = 'a[href], button, input, select, summary, textarea, [role=slider], [role=checkbox], [tabindex="0"]';
  const visible = e => e.checkVisibility({ visibilityProperty: true }) && !e.closest('[aria-hidden=true]');
  const words = e => e.nodeType === 3 ? e.data : e.nodeType !== 1 || e.getAttribute('aria-hidden') === 'true'
    || !e.checkVisibility() ? ' '
    : [...e.childNodes].map(words).join(getComputedStyle(e).display === 'inline' ? '' : ' ');
  const text = e => words(e).replace(/\\s+/g, ' ').trim();
  return [...document.querySelectorAll(wanted)].filter(visible).map(e => {
    const byId = (e.getAttribute('aria-labelledby') || '').split(/\\s+/).filter(Boolean)
      .map(id => text(document.getElementById(id))).join(' ');
    const pictures = [...e.querySelectorAll('img')].map(image => image.alt).join(' ');
    const label = e.getAttribute('aria-label') || byId;
    const labels = e.labels ? [...e.labels].map(text).join(' ') : '';
    const field = /^(INPUT|SELECT|TEXTAREA)$/.test(e.tagName) || /^(region|group)$/.test(e.getAttribute('role'));
    return { html: e.outerHTML.slice(0, 120), name: label || labels || text(e) || pictures || e.title,
             label, seen: field ? labels : text(e) };
  });
}"""


@pytest.mark.parametrize("name", ALL_PAGES)
@pytest.mark.parametrize("width", [320, 375, 1280])
def test_nothing_scrolls_sideways(open_page, name, width):
    page = open_page(name, viewport={"width": width, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 375])
def test_long_names_of_classes_and_layers_do_not_widen_the_pages(browser, site, tmp_path, width):
    longer = {
        "early_relu": "mixed4c_3x3_bottleneck_pre_relu",
        "coffee": "Staffordshire bullterrier, Staffordshire bull terrier",
        "moon": "a_class_name_of_one_word_as_files_have_them",
        "scene 4": "a_file_name_of_one_long_word.jpg",
        "mix_3x3_narrow": "block17_unit_2_convolution_1x1_narrow",
    }
    context = browser.new_context(viewport={"width": width, "height": 740})
    page = context.new_page()
    for name in ("spatial_attribution", "layer_graph", "node_graph", "aligned_graphs"):
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        for short, long in longer.items():
            text = text.replace(short, long)
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
        page.goto((tmp_path / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    context.close()


@pytest.mark.parametrize("name", ALL_PAGES)
def test_everything_usable_has_a_name_that_contains_what_is_seen(open_page, name):
    page = open_page(name)
    found = page.evaluate(NAMED)
    assert found
    for element in found:
        assert element["name"].strip(), element
        if element["label"] and element["seen"]:
            assert _plain(element["seen"]) in _plain(element["label"]), element


def _plain(words):
    return " ".join(re.findall(r"\w+", words.lower()))


@pytest.mark.parametrize("name", ALL_PAGES)
def test_structure(open_page, name):
    page = open_page(name)
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1").count() == page.locator("main").count() == 1
    levels = page.eval_on_selector_all("h1, h2, h3, h4, h5, h6", "all => all.map(e => Number(e.tagName[1]))")
    assert all(later <= before + 1 for before, later in itertools.pairwise(levels)), levels
    ids = page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert page.locator("img:not([alt])").count() == 0
    assert page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0
    for table in page.locator("table").all():
        assert table.locator("th").count() or not table.is_visible()
    # Every label of a part refers to something that is there.
    missing = page.eval_on_selector_all(
        "[aria-labelledby], [aria-describedby], [aria-controls]",
        """all => all.flatMap(e => ['aria-labelledby', 'aria-describedby', 'aria-controls']
             .flatMap(kind => (e.getAttribute(kind) || '').split(/\\s+/))
             .filter(id => id && !document.getElementById(id)))""",
    )
    assert missing == []
    # What scrolls can be reached with the keyboard.
    stuck = page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter(e => {
             const style = getComputedStyle(e);
             return /auto|scroll/.test(style.overflowX) && e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0
               && !e.querySelector('a[href], button, input, select, [tabindex="0"]');
           }).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert stuck == []


def test_search_shows_what_has_all_words_and_says_how_many(open_page):
    page = open_page("index.html")
    box = page.get_by_role("searchbox", name="Find a figure, number, page or claim")
    box.fill("ANGLES lines")
    assert page.locator("article:visible").count() == 0
    box.fill("curves")
    assert page.locator("article:visible h3").all_inner_texts() == ["curves"]
    assert not page.get_by_role("heading", name="Another").is_visible()
    sync_api.expect(page.get_by_role("status")).to_have_text("2 found")  # the figure and its claim
    box.fill("zebra")
    sync_api.expect(page.get_by_role("status")).to_have_text("Nothing found")
    box.press("Escape")
    assert page.locator("article:visible").count() == 2 and box.input_value() == ""


def test_the_keyboard_reaches_every_item_once(open_page):
    page = open_page("index.html")
    links = page.eval_on_selector_all("article a:not([tabindex='-1'])", "all => all.map(e => e.getAttribute('href'))")
    assert links == ["items/curves.html", "items/maps.html"]
    page.get_by_role("searchbox").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "items/curves.html"


def test_items_lead_to_each_other_and_back(open_page):
    page = open_page("index.html")
    page.get_by_role("link", name="curves", exact=True).first.click()
    page.wait_for_url("**/items/curves.html")
    page.get_by_role("link", name="maps").click()
    page.wait_for_url("**/items/maps.html")
    page.get_by_role("link", name="All pages of study demo").click()
    page.wait_for_url("**/index.html")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_readable(open_page, readable, scheme, name):
    page = open_page(name, color_scheme=scheme)
    kinds = "h1, h2, h3, p, a, td, th, li, dt, dd, label, caption, figcaption, pre, .mark, .unit"
    readable(
        page,
        scheme,
        f"[...document.querySelectorAll('{kinds}')].filter(e => e.checkVisibility() && e.innerText.trim())",
        more_than=5,
    )


def test_print_shows_all_figures_and_no_controls(open_page):
    page = open_page("index.html", color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#search").is_visible()
    assert page.locator("img.thumbnail:visible").count() == 2


def test_a_wide_table_fits_on_paper(open_page):
    page = open_page("items/curves.html", viewport={"width": 718, "height": 740})
    page.evaluate(
        """() => document.querySelectorAll('.data tr').forEach(row => {
             for (let n = 0; n < 25; n++) row.insertCell().textContent = 'part_control_mean_' + n; })"""
    )
    table = "document.querySelector('.data').scrollWidth"
    assert page.evaluate(table) > 2000
    page.emulate_media(media="print")
    assert page.evaluate(table) <= 718
    assert page.evaluate("document.documentElement.scrollWidth") <= 718


def test_without_scripts_everything_but_the_search_is_there(open_page):
    page = open_page("index.html", java_script_enabled=False)
    assert not page.locator("#search").is_visible()
    assert page.locator("article:visible").count() == 2
