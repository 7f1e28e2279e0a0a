"""The supplement: its first page, and the pages of figures and numbers."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from netlens.publish.item_page import save_item_pages
from netlens.publish.supplement import citation, save_first_page


class Links(HTMLParser):
    """All links of a page and all texts in it, without its style and script."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.links, self.words, self.ids, self._skipped = [], [], set(), False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self._skipped = tag in ("style", "script")
        self.ids.add(named.get("id"))
        if tag == "a":
            self.links.append(named["href"])

    def handle_data(self, data):
        if not self._skipped:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


@pytest.fixture
def made(tmp_path, make_supplement):
    """Everything, written to a folder; the links that leave it are as in a study's folder."""
    shown = make_supplement(tmp_path)
    save_item_pages(shown, tmp_path / "site" / "items")
    save_first_page(shown, tmp_path / "site" / "index")
    return tmp_path / "site"


def first(made):
    return Links((made / "index.html").read_text(encoding="utf-8"))


def test_the_first_page_shows_every_item_and_claim(made):
    page = first(made)
    assert {"items/curves.html", "items/maps.html", "items/curveCount.html", "turning.html"} <= set(page.links)
    assert "../../paper/tests.pdf" in page.links
    for words in (
        "of 2 claims, 1 holds and 1 cannot be told",
        "2.5 (published: 2.4) largest angle",
        "93.4 % of (not made) of them & more.",
        "stale: a.py has changed",
        "missingCount (not made)",
        "Needs a max-pooling: pooled.",
        "1 of its items have not been made",
        "The authors. netlens: a tool. Version 1.0.",
        "License of the code: MIT.",
    ):
        assert words in page.text, words
    assert "Nothing" not in page.text  # a section without anything


def test_every_link_leads_to_a_file_or_a_place_on_the_page(made):
    for path in [made / "index.html", *(made / "items").glob("*.html")]:
        page = Links(path.read_text(encoding="utf-8"))
        for link in page.links:
            if link.startswith("#"):
                assert link[1:] in page.ids, (path, link)
            elif not link.startswith("../../") and link != "turning.html":
                assert (path.parent / link).is_file(), (path, link)


def test_thumbnails_are_small_and_described(made):
    text = (made / "index.html").read_text(encoding="utf-8")
    found = re.findall(r'<img class="thumbnail" src="data:image/webp;base64,([^"]*)"[^>]* alt="([^"]*)"', text)
    assert [alt for _, alt in found] == ["angles of two lines", "maps of a layer"]
    for encoded, _ in found:
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
            assert picture.size == (480, 206)


def test_a_figures_page_has_its_numbers_claims_record_and_notebook(made):
    page = Links((made / "items" / "curves.html").read_text(encoding="utf-8"))
    assert "The first 60 of 90 rows" in page.text and "weight <w>" in page.text
    assert "holds Lines <turn>." in page.text
    assert "results/a.npz ab12" in page.text
    assert "The angle α of <i>each</i> line." in page.text and "a < b" in page.text
    assert {"./curveCount.html", "./maps.html", "curves.csv", "curves.json"} >= set(page.links) - {
        "../index.html", "#content", *(link for link in page.links if link.startswith("../../")),
    }  # fmt: skip
    assert json.loads((made / "items" / "curves.json").read_text())["inputs"] == {"results/a.npz": "ab12"}


def test_arrays_are_described(made):
    page = Links((made / "items" / "maps.html").read_text(encoding="utf-8"))
    assert "4 × 5 × 6" in page.text and "one, two" in page.text
    assert "c0ffee, with changes that were not committed" in page.text
    assert "executed notebook is not in this copy" in page.text


def test_large_data_stay_where_they_are(tmp_path, make_supplement):
    shown = make_supplement(tmp_path)
    with (tmp_path / "figures" / "curves.csv").open("a") as file:
        file.writelines("1,2\n" for _ in range(100_000))
    save_item_pages(shown, tmp_path / "items")
    assert not (tmp_path / "items" / "curves.csv").exists()
    page = Links((tmp_path / "items" / "curves.html").read_text(encoding="utf-8"))
    assert any(link.startswith("../../../") and link.endswith("curves.csv") for link in page.links)
    assert "The first 60 of 100,090 rows" in page.text


def test_a_numbers_page_has_its_full_precision(made):
    page = Links((made / "items" / "curveCount.html").read_text(encoding="utf-8"))
    assert "0.934" in page.text and "93.4 %" in page.text and r"\curveCount" in page.text


def test_the_same_items_give_the_same_bytes(tmp_path, make_supplement):
    shown = make_supplement(tmp_path)
    one, other = (save_first_page(shown, tmp_path / folder / "index").path for folder in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_nothing_made_is_a_page_that_says_so(tmp_path, make_supplement):
    shown = make_supplement(tmp_path, items=(), claims=(), paper="")
    assert save_item_pages(shown, tmp_path / "items") == [] and (tmp_path / "items").is_dir()
    page = Links(save_first_page(shown, tmp_path / "index").path.read_text(encoding="utf-8"))
    assert "Make it again, cite it" in page.text and not any(".pdf" in link for link in page.links)


def test_citation_as_a_sentence_and_as_bibtex():
    fields = {
        "title": "netlens: a tool",
        "authors": [{"given-names": "A.", "family-names": "One"}, {"name": "The group"}],
        "date-released": "2026-02-03",
        "doi": "10.1/x",
    }
    words, bibtex = citation(fields)
    assert words == "A. One and The group (2026). netlens: a tool. 10.1/x"
    assert bibtex.splitlines() == [
        "@software{netlens,",
        "  title = {{netlens: a tool}},",
        "  author = {{A. One} and {The group}},",
        "  year = {2026},",
        "  doi = {10.1/x},",
        "}",
    ]
