"""An executed notebook as part of a page: its text, code, tables and pictures, without anything that loads or runs."""

import base64
import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from netlens.publish.page import PageError, check_body
from netlens.publish.small_pictures import small_picture
from netlens.publish.tex_html import formula

#: Pictures are no wider than this, in pixels.
_WIDTH_PX: Final = 900
_LONGEST_TEXT: Final = 20_000
_ADDRESS: Final = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|[/\\]{2})", re.IGNORECASE)
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")


def notebook_html(notebook: Mapping[str, Any], shown_above: Sequence[bytes] = (), *, heading: int = 3) -> str:
    """HTML of an executed notebook.

    Parameters
    ----------
    notebook
        The notebook, as parsed JSON.
    shown_above
        Contents of PNG files that the page shows already; where the notebook shows one of them, a line says so.
    heading
        Level of the notebook's own first heading, 1..6.

    Returns
    -------
    str
        One section per cell; text from Markdown with formulas as MathML. Raw HTML in Markdown is shown as text, and
        addresses on the network are shown, not linked.
    """
    above = {base64.b64encode(picture).decode() for picture in shown_above}
    markdown = _markdown(heading)
    cells = []
    for cell in notebook["cells"]:
        source = _joined(cell["source"])
        if not source.strip():
            continue
        if cell["cell_type"] == "markdown":
            cells.append(f'<div class="cell words">{markdown(source)}</div>')
        elif cell["cell_type"] == "code":
            outputs = "".join(_output(output, above) for output in cell.get("outputs", ()))
            cells.append(f'<div class="cell">{_text("code", source, "Code")}{outputs}</div>')
    return "\n".join(cells)


def _markdown(heading: int) -> Any:
    import mistune

    class Renderer(mistune.HTMLRenderer):
        def heading(self, text: str, level: int, **attrs: Any) -> str:
            down = min(6, level + heading - 1)
            return f"<h{down}>{text}</h{down}>\n"

        def link(self, text: str, url: str, title: str | None = None) -> str:
            if _ADDRESS.match(url):
                return f"{text} ({html.escape(url)})" if text != url else html.escape(url)
            # Files lie elsewhere, seen from the page.
            return f"{text} (<code>{html.escape(url)}</code>)"

        def image(self, text: str, url: str, title: str | None = None) -> str:
            return html.escape(text)

        def inline_math(self, text: str) -> str:
            return formula(text)

        def block_math(self, text: str) -> str:
            shown = formula(text.strip(), block=True)
            return f'<div class="formula" tabindex="0" role="group" aria-label="Formula">{shown}</div>\n'

        def block_code(self, code: str, info: str | None = None) -> str:
            return _text("code", code, "Code")

    return mistune.create_markdown(renderer=_with_math(Renderer(escape=True)), plugins=["math", "table"])


def _with_math(renderer: Any) -> Any:
    # The plugin registers its own ways to show formulas, which a renderer's methods do not replace.
    register = renderer.register

    def kept(name: str, method: Any) -> None:
        if name not in ("inline_math", "block_math"):
            register(name, method)

    renderer.register = kept
    return renderer


def _output(output: Mapping[str, Any], above: set[str]) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return _text("output", _joined(output["text"]), "Output")
    if kind == "error":
        return _text("output", "\n".join(output.get("traceback", ())), "Error")
    data = output.get("data", {})
    if "image/png" in data:
        encoded = "".join(_joined(data["image/png"]).split())
        if encoded in above:
            return '<p class="above">Here the notebook shows the figure above.</p>'
        picture = small_picture(base64.b64decode(encoded), _WIDTH_PX)
        return (
            f'<p><img class="print" src="{picture.uri}" width="{picture.width_px}" height="{picture.height_px}" '
            'alt="Picture that the cell above draws"></p>'
        )
    if "text/html" in data:
        shown = _joined(data["text/html"])
        try:
            check_body(shown, "an executed notebook")
        except PageError:
            pass
        else:
            shown = re.sub(r'<a href="[^"]*">(.*?)</a>', r"\1", shown)
            return f'<div class="scroll" tabindex="0" role="group" aria-label="Output of the cell">{shown}</div>'
    return _text("output", _joined(data.get("text/plain", "")), "Output")


def _text(kind: str, text: str, label: str) -> str:
    text = _ANSI.sub("", text).rstrip()
    if not text:
        return ""
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}\n… {len(text) - _LONGEST_TEXT:,} more characters"
    return f'<pre class="{kind}" tabindex="0" role="group" aria-label="{label}">{html.escape(text, quote=False)}</pre>'


def _joined(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
