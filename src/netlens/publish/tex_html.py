r"""LaTeX of captions and macros as HTML: words, values of macros, and formulas as MathML.

What is converted is what captions and macros consist of, not LaTeX in general; a command that is not known is shown by
its name, so that nothing is lost without a trace.
"""

import html
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from netlens.publish.tex_words import signs, unescaped

#: Commands of the paper's own style (paper/style.tex) in formulas.
_OWN_COMMANDS: Final = {"tp": r"^{\mathsf{T}}", "had": r"\odot ", "mean": r"\mathbb{E}", "ensuremath": ""}
_OWN_OPERATORS: Final = ("cov", "corr", "diag")
#: Sizes of brackets, which MathML chooses itself.
_SIZES: Final = re.compile(r"\\(?:[bB]ig+[lrm]?|!)(?![A-Za-z])")

_FORMULA: Final = re.compile(r"(?<!\\)\$([^$]*)\$")
_COMMAND: Final = re.compile(r"\\([A-Za-z]+)\s*|\\(.)|([~{}])", re.DOTALL)
_CHARACTERS: Final = {",": "\N{THIN SPACE}", " ": " ", "\\": " ", "-": ""}
_SYMBOLS: Final = {
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "ldots": "…",
    "dots": "…",
    "times": "×",
    "S": "§",
}
_ELEMENTS: Final = {
    "code": "code",
    "texttt": "code",
    "emph": "em",
    "textit": "em",
    "textbf": "strong",
    "textsc": "span",
    "text": "span",
}
_CITED: Final = re.compile(r"(\\cite[pt](?:\[[^\]]*\])*)\{([^{}]*)\}")
_DASHES: Final = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"))


def tex_html(tex: str, values: Mapping[str, str] | None = None, works: Mapping[str, str] | None = None) -> str:
    r"""HTML of a piece of LaTeX.

    Parameters
    ----------
    tex
        A caption, or the text of a macro.
    values
        LaTeX of macros by name, without the backslash. A macro that is not among them and no known command is shown as
        its name.
    works
        How works are cited, such as ``Sedghi et al., 2019``, by key; others are shown by their key.

    Returns
    -------
    str
        HTML that loads nothing; formulas are MathML.
    """
    pieces = []
    cited = _CITED.sub(
        lambda found: f"{found[1]}{{{'; '.join((works or {}).get(key.strip(), key) for key in found[2].split(','))}}}",
        tex,
    )
    parts = _FORMULA.split(_with_math_marked(unescaped(_expanded(" ".join(cited.split()), values or {}))))
    for number, part in enumerate(parts):
        pieces.append(formula(part) if number % 2 else _words(part))
    return signs("".join(pieces), html.escape)


def tex_text(tex: str, values: Mapping[str, str] | None = None) -> str:
    """Plain text of a piece of LaTeX, for where no markup can stand; formulas stay as they are written."""
    expanded = re.sub(r"\\ensuremath\s*", "", unescaped(_expanded(" ".join(tex.split()), values or {})))
    expanded = re.sub(r"\\cdot\s*10\^\{([^{}]*)\}", r"×10^\1", expanded.replace("{,}", ","))
    plain = re.sub(r"<[^>]*>", "", _words(re.sub(r"(?<!\\)\$", "", expanded)))
    return signs(html.unescape(plain))


@cache
def formula(tex: str, *, block: bool = False) -> str:
    """MathML of a formula; what cannot be converted is shown as it is written."""
    from latex2mathml.converter import convert

    own = _SIZES.sub("", tex)
    for name in _OWN_OPERATORS:
        own = re.sub(rf"\\{name}(?![A-Za-z])", rf"\\operatorname{{{name}}}", own)
    for name, meaning in _OWN_COMMANDS.items():
        own = re.sub(rf"\\{name}(?![A-Za-z])\s*", lambda found, meaning=meaning: meaning, own)  # type: ignore[misc]
    try:
        return str(convert(own, display="block" if block else "inline"))
    except Exception:  # it has no class of errors of its own, and a formula must not stop a page
        return f"<code>{html.escape(tex)}</code>"


def _expanded(tex: str, values: Mapping[str, str]) -> str:
    """LaTeX in which macros are replaced by their texts; an empty group that ends a name goes with it."""

    def value(found: re.Match[str]) -> str:
        return values[found[1]] + (found[2] or "") if found[1] in values else found[0]

    return re.sub(r"\\([A-Za-z]+)(?:\{\}|(?=[^A-Za-z])|$)()", value, tex)


def _with_math_marked(tex: str) -> str:
    r"""LaTeX in which ``\ensuremath`` in words is a formula, and in a formula is nothing."""
    parts = _FORMULA.split(tex)
    for number in range(0, len(parts), 2):
        while (start := parts[number].find(r"\ensuremath{")) >= 0:
            content, end = _group(parts[number], start + len(r"\ensuremath"))
            parts[number] = f"{parts[number][:start]}${content}${parts[number][end:]}"
    return "".join(f"${part}$" if number % 2 else part for number, part in enumerate(parts))


def _group(tex: str, start: int) -> tuple[str, int]:
    """Contents of the group that begins at `start`, and where it ends; a single character where there is no group."""
    if not tex.startswith("{", start):
        return tex[start : start + 1], start + 1
    depth = 0
    for place in range(start, len(tex)):
        if tex[place - 1] == "\\":
            continue
        depth += {"{": 1, "}": -1}.get(tex[place], 0)
        if not depth:
            return tex[start + 1 : place], place + 1
    return tex[start + 1 :], len(tex)


def _words(tex: str) -> str:
    """HTML of LaTeX outside formulas."""
    shown, place = [], 0
    while found := _COMMAND.search(tex, place):
        shown.append(_plain(tex[place : found.start()]))
        text, place = _command(tex, found)
        shown.append(text)
    return "".join([*shown, _plain(tex[place:])])


def _command(tex: str, found: re.Match[str]) -> tuple[str, int]:
    """HTML of the command that was found, and where the text goes on."""
    name, end = found[1], found.end()
    if name is None:
        character = found[2]
        if character is None:
            return ("\N{NO-BREAK SPACE}" if found[3] == "~" else ""), end
        return html.escape(_CHARACTERS.get(character, character)), end
    if name in _SYMBOLS:
        return html.escape(_SYMBOLS[name]), end
    if tex.startswith("[", end):
        end = tex.find("]", end) + 1 or end
    if name in _ELEMENTS and tex.startswith("{", end):
        content, end = _group(tex, end)
        return f"<{_ELEMENTS[name]}>{_words(content)}</{_ELEMENTS[name]}>", end
    if (shown := _REFERENCES.get(name)) and tex.startswith("{", end):
        content, end = _group(tex, end)
        return shown(content), end
    # The space behind a command that is not known would be lost.
    return f"<code>\\{html.escape(name)}</code>{' ' if tex[found.end() - 1] == ' ' else ''}", end


def _plain(tex: str) -> str:
    for written, shown in _DASHES:
        tex = tex.replace(written, shown)
    return html.escape(tex, quote=False)


_REFERENCES: Final[Mapping[str, Callable[[str], str]]] = {
    "citep": lambda works: f"({html.escape(works)})",
    "citet": html.escape,
    "ref": lambda _: "(see the paper)",
    "autoref": lambda label: f"<em>{html.escape(label.rpartition(':')[2])}</em>",
    "eqref": lambda _: "(an equation of the paper)",
}
