"""Self-contained pages: single HTML files that can be opened from disk and load nothing from the network.

`save` puts a page's content into the frame that all pages share (title, study, provenance, light and dark colors,
print styles) and refuses anything that would make the page depend on another file or on the network. What this check
cannot detect is blocked by the page's content security policy.
"""

import base64
import hashlib
import html
import io
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Final

import numpy as np

import netlens
from netlens.files.atomic import writing
from netlens.publish.description import write_description
from netlens.publish.shown import SavedPage


class PageError(ValueError):
    """The content cannot be made into a self-contained page."""


class NetworkReferenceError(PageError):
    """Part of the page refers to the network, or to another file that it would have to load."""


#: Elements that load something or that `save` adds itself, each with the reason why it is refused.
_REFUSED_ELEMENTS: Final = {
    "base": "it would change what every link means",
    "embed": "it loads another file",
    "frame": "it loads another file",
    "iframe": "it loads another file",
    "link": "it loads another file; pass CSS as style=",
    "meta": "the meta elements are part of the frame",
    "object": "it loads another file",
    "script": "pass JavaScript as script=, so that the policy of the page can allow exactly that script",
}
_LOADING_ATTRIBUTES: Final = frozenset(
    {"action", "archive", "background", "codebase", "data", "formaction", "href", "manifest", "ping", "poster", "src"}
    | {"srcset", "imagesrcset", "xlink:href"}
)
_SCHEME_OR_HOST: Final = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|[/\\]{2})", re.IGNORECASE)
_CSS_URL: Final = re.compile(r"""(?:url|src)\(\s*["']?([^"')]*)""", re.IGNORECASE)
_CSS_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_ADDRESS: Final = re.compile(r"""\b(?:https?|wss?|ftp):|["'`(]\s*//\w""", re.IGNORECASE)
#: Names of XML namespaces look like addresses, but browsers load nothing from them.
_NAMESPACE: Final = re.compile(r"http://www\.w3\.org/(?:2000/svg|1999/xlink|1999/xhtml|1998/Math/MathML)\b")
_LOADING_SCRIPT: Final = re.compile(
    r"\b(?:fetch\s*\(|XMLHttpRequest|WebSocket|WebTransport|EventSource|RTCPeerConnection|sendBeacon|serviceWorker"
    r"|importScripts|(?:Shared)?Worker\s*\(|import\s*\(|import\b[^;\n]*\bfrom\b|import\s*[\"'])"
)


def save(
    body: str,
    stem: str | Path,
    *,
    title: str,
    shows: str,
    study: str,
    images_are: str,
    source: str,
    data: Mapping[str, Any] | None = None,
    style: str = "",
    script: str = "",
    home: str = "index.html",
) -> SavedPage:
    """Write the self-contained page ``<stem>.html``, and ``<stem>.json`` with its title and description.

    The bytes depend only on the arguments.

    Parameters
    ----------
    body
        HTML of the page's content, without scripts. It may contain SVG, and images as data URIs (see `image`).
    stem
        Output path without suffix.
    title
        The page's title, plain text.
    shows
        One sentence about what the page shows, plain text.
    study
        Name of the study; empty for a page that belongs to none.
    images_are
        One sentence about the study's images, so that studies are not confused, plain text.
    source
        The notebook that makes the page, relative to the repository.
    data
        Data for the script, which reads it as ``JSON.parse(document.getElementById("page-data").textContent)``:
        numbers, strings, lists, mappings and numpy arrays.
    style
        CSS of this page, added to the common style.
    script
        JavaScript of this page, run at the end of the body.
    home
        Relative link to the study's index; empty on the index itself.

    Returns
    -------
    SavedPage
        Shows a link to the page when a notebook cell ends with it.

    Raises
    ------
    NetworkReferenceError
        The body, style or script refers to the network, or to a file that would have to be loaded.
    PageError
        The data cannot be represented as JSON, the script or style would end its own element, or a text is empty.
    """
    texts = {"title": title, "shows": shows, "study": study, "images_are": images_are, "source": source}
    for name, text in texts.items():
        if not text.strip() and name != "study":
            raise PageError(f"{stem}.html: {name} is empty")
    where = f"{Path(stem).name}.html"
    check_body(body, f"{where}, body")
    _check_css(style, f"{where}, style")
    _check_script(script, f"{where}, script")
    if home and _SCHEME_OR_HOST.match(home):
        raise NetworkReferenceError(f"{where}: home is {home!r}; use a path relative to the page")

    # The policy contains a hash of the element's text, so nothing may be added around the inserted text.
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{script_hash}'" if script else "'none'"
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        f"script-src {allowed}"
    )
    text = Template(_asset("page.html")).substitute(
        policy=html.escape(policy),
        version=netlens.__version__,
        title=html.escape(title),
        shows=html.escape(shows),
        belongs=f"Study {html.escape(study)}" if study else "Of no study",
        images_are=html.escape(images_are),
        source=html.escape(source),
        description=html.escape(f"{Path(stem).name}.json"),
        home=f'<p class="home"><a href="{html.escape(home)}">All pages of study {html.escape(study)}</a></p>\n'
        if home
        else "",
        style=_asset("page.css") + style,
        body=body.strip("\n"),
        data="" if data is None else f'<script type="application/json" id="page-data">{embed(data)}</script>\n',
        script=f"<script>{script}</script>\n" if script else "",
    )
    path = Path(f"{stem}.html")
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    write_description(stem, {"kind": "page", "title": title, "shows": shows})
    return SavedPage(path, title)


def embed(data: Any) -> str:
    r"""Data as JSON that can be embedded in a ``<script>`` element.

    ``<``, ``>`` and ``&`` become ``\u003c``, ``\u003e``, ``\u0026``, so the data cannot close the element. The
    line separators U+2028 and U+2029 are also escaped. Floats keep all their digits.

    Raises
    ------
    PageError
        The data contains NaN, infinity, or objects that JSON cannot represent.
    """
    try:
        text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError) as error:
        raise PageError(f"the page's data is not JSON: {error}") from error
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)


def image_uri(image: str | Path | np.ndarray[Any, Any]) -> str:
    """Image as a ``data:`` URI.

    Parameters
    ----------
    image
        Path of a PNG, JPEG, GIF or WebP file, which is embedded unchanged, or pixels of type uint8 and shape (H, W),
        (H, W, 3) or (H, W, 4), which are encoded as PNG.

    Raises
    ------
    PageError
        The file has another format, or the array is not an image.
    """
    if isinstance(image, np.ndarray):
        return _data_uri("image/png", _png(image))
    path = Path(image)
    content = path.read_bytes()
    kinds = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
    for start, kind in kinds.items():
        if content.startswith(start):
            return _data_uri(kind, content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _data_uri("image/webp", content)
    raise PageError(f"{path}: not a PNG, JPEG, GIF or WebP image")


def image(source: str | Path | np.ndarray[Any, Any], alt: str, **attributes: str | int) -> str:
    """``<img>`` element that contains the image itself.

    Parameters
    ----------
    source
        As for `image_uri`.
    alt
        Description of the image for readers who cannot see it; empty only for decoration.
    **attributes
        Further attributes; trailing underscores are removed, and others become hyphens (``class_``, ``data_unit``).

    Raises
    ------
    PageError
        The source is not an image.
    """
    named = {"src": image_uri(source), "alt": alt} | {
        name.rstrip("_").replace("_", "-"): str(value) for name, value in attributes.items()
    }
    return "<img " + " ".join(f'{name}="{html.escape(value)}"' for name, value in named.items()) + ">"


def _asset(name: str) -> str:
    return (resources.files("netlens.publish") / "assets" / name).read_text(encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _png(pixels: np.ndarray[Any, Any]) -> bytes:
    from PIL import Image

    colors = pixels.shape[2:]
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or colors not in ((), (3,), (4,)) or not pixels.size:
        raise PageError(
            f"an array of type {pixels.dtype} and shape {pixels.shape} is not an image: "
            "its type must be uint8 and its shape (H, W), (H, W, 3) or (H, W, 4)"
        )
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


class _BodyCheck(HTMLParser):
    """Parser that refuses elements and attributes that load something."""

    def __init__(self, where: str) -> None:
        super().__init__(convert_charrefs=True)
        self._where = where
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = f"{self._where}, line {self.getpos()[0]}: <{tag}>"
        if tag in _REFUSED_ELEMENTS:
            raise NetworkReferenceError(f"{line} is refused: {_REFUSED_ELEMENTS[tag]}")
        self._in_style = tag == "style"
        for name, raw in attrs:
            value = (raw or "").strip()
            if name.startswith("on"):
                raise PageError(f"{line}: attribute {name} is refused; add the listener in script=")
            if name in _LOADING_ATTRIBUTES:
                inside = value.startswith(("#", "data:")) and not name.endswith("srcset")
                followed = tag in ("a", "area") and name == "href" and not _SCHEME_OR_HOST.match(value)
                if value and not (inside or followed):
                    raise NetworkReferenceError(
                        f"{line}: {name} is {value[:60]!r}; a page loads nothing and links only to files beside it "
                        "(images as data URIs, addresses as text)"
                    )
            elif name == "style" or "url(" in value.lower():
                _check_css(value, line)

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            _check_css(data, f"{self._where}, line {self.getpos()[0]}: <style>")


def check_body(body: str, where: str) -> None:
    """Refuse HTML that would load something or run a script.

    Parameters
    ----------
    body
        HTML of a page's content, or of a part of it.
    where
        What it is, for the message.

    Raises
    ------
    NetworkReferenceError
        It refers to the network, or to a file that would have to be loaded.
    PageError
        It has an attribute that runs a script, or CSS that would end its element.
    """
    checker = _BodyCheck(where)
    checker.feed(body)
    checker.close()


def _check_css(css: str, where: str) -> None:
    if "</style" in css.lower():
        raise PageError(f"{where}: CSS contains </style")
    rules = _CSS_COMMENT.sub(" ", css)
    if "@import" in rules.lower():
        raise NetworkReferenceError(f"{where}: @import is refused; pass all CSS as one string")
    for target in _CSS_URL.findall(rules):
        if not target.strip().startswith(("#", "data:")):
            raise NetworkReferenceError(f"{where}: url({target[:60]}) is refused; embed the file as a data URI")
    if found := _ADDRESS.search(_CSS_URL.sub(" ", rules)):
        raise NetworkReferenceError(f"{where}: the address at {_around(rules, found)!r} is refused")


def _check_script(script: str, where: str) -> None:
    lowered = script.lower()
    if "</script" in lowered or "<!--" in lowered:
        raise PageError(f"{where}: JavaScript contains </script or <!--, which would end or hide its element")
    if found := _LOADING_SCRIPT.search(script):
        line = script.count("\n", 0, found.start()) + 1
        raise NetworkReferenceError(
            f"{where}, line {line}: {found[0]!r} loads something; pass all data of the page as data="
        )
    without_names = _NAMESPACE.sub("", script)
    if found := _ADDRESS.search(without_names):
        raise NetworkReferenceError(f"{where}: the address at {_around(without_names, found)!r} is refused")


def _around(text: str, found: re.Match[str]) -> str:
    return " ".join(text[max(0, found.start() - 20) : found.end() + 30].split())
