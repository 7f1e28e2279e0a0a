"""Pages carry all that they need, refuse all that they would have to load, and come out the same every time."""

import base64
import hashlib
import html.parser
import io
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from netlens.publish import page

GIVEN = {
    "title": "A & B",
    "shows": "one <sentence>",
    "study": "tests",
    "images_are": "none at all",
    "source": "notebooks/a/b.ipynb",
}


def written(tmp_path, body="<p>text</p>", **more):
    return page.save(body, tmp_path / "a page", **{**GIVEN, **more}).path.read_text(encoding="utf-8")


class Elements(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.texts = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        # An element's text up to its first child or its end; later texts belong to nobody here.
        if self.found:
            self.texts.setdefault(len(self.found) - 1, data)

    def one(self, tag, **attrs):
        (index,) = [i for i, (name, given) in enumerate(self.found) if name == tag and attrs.items() <= given.items()]
        return self.found[index][1], self.texts.get(index, "")


def test_page_says_what_it_is_and_where_it_comes_from(tmp_path):
    text = written(tmp_path)
    elements = Elements(text)
    assert elements.one("title")[1] == "A & B"
    assert elements.one("meta", name="description")[0]["content"] == "one <sentence>"
    assert elements.one("html")[0]["lang"] == "en"
    for words in ("<h1>A &amp; B</h1>", "one &lt;sentence&gt;", "none at all", "notebooks/a/b.ipynb", "<p>text</p>"):
        assert words in text
    assert elements.one("a", href="index.html")
    assert elements.one("a", href="a page.json")
    assert json.loads((tmp_path / "a page.json").read_text()) == {
        "kind": "page",
        "title": "A & B",
        "shows": "one <sentence>",
    }


def test_same_content_same_bytes_and_nothing_left_beside(tmp_path):
    kwargs = {"data": {"a": np.arange(5) / 3}, "style": "p { color: red }", "script": "const a = 1;"}
    first = page.save("<p>x</p>", tmp_path / "page", **GIVEN, **kwargs).path.read_bytes()
    second = page.save("<p>x</p>", tmp_path / "page", **GIVEN, **kwargs).path.read_bytes()
    assert first == second
    assert b"\r" not in first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "page.json"]


def test_refused_page_leaves_the_old_one(tmp_path):
    before = page.save("<p>old</p>", tmp_path / "page", **GIVEN).path.read_bytes()
    with pytest.raises(page.NetworkReferenceError):
        page.save('<img src="http://example.org/a.png" alt="">', tmp_path / "page", **GIVEN)
    assert (tmp_path / "page.html").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "page.json"]


def test_policy_allows_this_script_and_nothing_else(tmp_path):
    script = 'const a = "ü";\nconsole.log(a && 1 < 2);\n'
    elements = Elements(written(tmp_path, script=script))
    policy = elements.one("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    assert elements.one("script")[1] == script
    without = Elements(written(tmp_path)).one("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    assert "script-src 'none'" in without


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('<img src="https://example.org/a.png" alt="">', "line 1: <img>: src is 'https://example.org/a.png'"),
        ('<p>\n<img src="//example.org/a.png" alt="">', "line 2"),
        ('<img src="a.png" alt="">', "images as data URIs"),
        ('<img srcset="a.png 2x" alt="">', "srcset"),
        ('<a href="https://example.org">there</a>', "href"),
        ('<a href="//example.org">there</a>', "href"),
        ('<a href="/\\example.org">there</a>', "href"),
        ('<a href="javascript:alert(1)">there</a>', "href"),
        ('<a href=" HTTPS://example.org">there</a>', "href"),
        ('<link rel="stylesheet" href="a.css">', "pass CSS as style="),
        ('<script src="a.js"></script>', "script="),
        ("<script>1</script>", "script="),
        ('<iframe src="a.html"></iframe>', "loads another file"),
        ('<object data="a.svg"></object>', "loads another file"),
        ('<base href="/">', "every link"),
        ('<meta http-equiv="refresh" content="0">', "frame"),
        ('<video poster="a.png"></video>', "poster"),
        ('<form action="/go"></form>', "action"),
        ('<svg><image href="a.png"/></svg>', "href"),
        ('<svg><use xlink:href="icons.svg#a"/></svg>', "xlink:href"),
        ('<svg><rect fill="url(https://example.org/a.svg#b)"/></svg>', "url"),
        ('<p style="background: url(a.png)">x</p>', "url"),
        ("<style>@import 'a.css';</style>", "@import"),
        ("<style>p { background: url(//example.org/a.png) }</style>", "url"),
    ],
)
def test_body_that_would_load_something_is_refused(tmp_path, body, message):
    with pytest.raises(page.NetworkReferenceError, match=re.escape(message)) as caught:
        written(tmp_path, body)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "style",
    [
        '@import "a.css";',
        "@IMPORT url(a.css);",
        "p { background: url(http://example.org/a.png) }",
        "p { background: URL( 'a.png' ) }",
        "@font-face { src: url('//example.org/a.woff2') }",
        "p { background: image-set('https://example.org/a.png' 1x) }",
    ],
)
def test_style_that_would_load_something_is_refused(tmp_path, style):
    with pytest.raises(page.NetworkReferenceError, match="style"):
        written(tmp_path, style=style)


@pytest.mark.parametrize(
    "script",
    [
        "fetch('data.json')",
        "fetch ( x )",
        "new XMLHttpRequest()",
        "new WebSocket(x)",
        "new EventSource(x)",
        "navigator.sendBeacon(x)",
        "navigator.serviceWorker.register(x)",
        "import('./a.js')",
        "import a from './a.js'",
        "import './a.js'",
        "new Worker('a.js')",
        "importScripts('a.js')",
        "image.src = 'https://example.org/a.png'",
        "image.src = `//example.org/a.png`",
        "location = 'wss:' + host",
    ],
)
def test_script_that_would_load_something_is_refused(tmp_path, script):
    with pytest.raises(page.NetworkReferenceError, match="script"):
        written(tmp_path, script=script)


@pytest.mark.parametrize(
    "more",
    [
        {"body": '<a href="#part">part</a> <a href="other.html#part">other</a> <a href="../x.pdf">paper</a>'},
        {"body": '<svg xmlns="http://www.w3.org/2000/svg"><g id="a"/><use href="#a"/><rect fill="url(#b)"/></svg>'},
        {"body": '<img src="data:image/png;base64,AAAA" alt="a picture">'},
        {"body": "<p>arXiv 1705.05598, also at https://example.org as text, and url(x)</p>"},
        {"body": "<style>/* http://example.org */ p { fill: url(#a) }</style>"},
        {"style": "p { background: url('data:image/png;base64,AA//AA==') }"},
        {"script": 'document.createElementNS("http://www.w3.org/2000/svg", "g"); // prefetched (by nobody)'},
        {"script": "const half = 1 //2\nconst important = 'from here';"},
        {"data": {"address": "https://example.org is only a text"}},
    ],
)
def test_what_loads_nothing_is_allowed(tmp_path, more):
    assert written(tmp_path, **more)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"title": " "}, "title is empty"),
        ({"images_are": ""}, "images_are is empty"),
        ({"script": "'</script>'"}, "would end"),
        ({"script": "'<!--'"}, "would end"),
        ({"style": "/*</style>*/"}, "</style"),
        ({"body": '<button onclick="go()">go</button>'}, "onclick"),
        ({"data": {"a": float("nan")}}, "not JSON"),
        ({"data": {"a": np.array([1.0, np.inf])}}, "not JSON"),
        ({"data": {"a": object()}}, "object cannot be written as JSON"),
        ({"home": "https://example.org"}, "relative"),
    ],
)
def test_what_cannot_become_a_page_is_refused(tmp_path, more, message):
    with pytest.raises(page.PageError, match=message):
        written(tmp_path, **more)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
        | st.sampled_from(["</script>", "<!-- <script>", "]]>", "&amp;", "\u2028"]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_embedded_data_comes_back_and_never_ends_its_element(data):
    text = page.embed({"data": data})
    assert json.loads(text) == {"data": data}
    assert not re.search("[<>&\u2028\u2029]", text)


def test_data_stands_in_the_page_with_all_digits(tmp_path):
    data = {"noise": np.random.default_rng(0).normal(size=20), "n": np.int64(3), "text": "</script><script>alert(1)"}
    elements = Elements(written(tmp_path, data=data))
    kept = json.loads(elements.one("script", id="page-data")[1])
    assert kept == {"noise": data["noise"].tolist(), "n": 3, "text": data["text"]}


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 5, 4)])
def test_pixels_become_an_image_without_loss(shape):
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    uri = page.image_uri(pixels)
    assert uri == page.image_uri(pixels.copy())
    kind, content = uri.split(",")
    assert kind == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), pixels)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_image_file_is_kept_as_it_is(tmp_path, kind):
    path = tmp_path / "image.bin"
    Image.new("RGB", (3, 2)).save(path, format=kind)
    assert page.image_uri(path) == f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def test_image_element_passes_the_check(tmp_path):
    element = page.image(np.zeros((2, 2), np.uint8), 'a "black" square', width=20, class_="small", data_unit="3")
    assert 'alt="a &quot;black&quot; square" width="20" class="small" data-unit="3"' in element
    assert element in written(tmp_path, element)


@pytest.mark.parametrize("wrong", [np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8), np.zeros((0, 3), np.uint8)])
def test_array_that_is_no_image_is_refused(wrong):
    with pytest.raises(page.PageError, match="is not an image"):
        page.image_uri(wrong)


def test_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(page.PageError, match="not a PNG"):
        page.image_uri(tmp_path / "a.png")
