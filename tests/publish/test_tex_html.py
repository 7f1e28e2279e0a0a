"""LaTeX of captions and macros as HTML."""

import html
from pathlib import Path

import pytest
import yaml

from netlens.publish.macro import escape, fixed, integer, percent, scientific
from netlens.publish.tex_html import formula, tex_html, tex_text

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        ("a < b, 5\\,\\% of~it", "a &lt; b, 5\N{THIN SPACE}% of\N{NO-BREAK SPACE}it"),
        ("two--three ``so''", "two–three “so”"),
        (r"\code{a\_b} and \emph{not \textbf{that}}", "<code>a_b</code> and <em>not <strong>that</strong></em>"),
        (r"\count{} images of \count\ and \count.", "1,024 images of 1,024 and 1,024."),
        (r"\code{\count}", "<code>1,024</code>"),
        (r"the \unknown thing", r"the <code>\unknown</code> thing"),
        (r"of Sixt \citep[p. 3]{sixt2020}, \eqref{eq:q}", "of Sixt (sixt2020), (an equation of the paper)"),
        (r"see \autoref{fig:per_layer}", "see <em>per_layer</em>"),
    ],
)
def test_words(tex, expected):
    assert tex_html(tex, {"count": "1{,}024"}) == expected


def test_works_are_cited_by_their_authors():
    works = {"sedghi2019": "Sedghi et al., 2019", "golub": "Golub & Loan, 1996"}
    assert tex_html(r"by SVD \citep{sedghi2019, golub, other}", works=works) == (
        "by SVD (Sedghi et al., 2019; Golub &amp; Loan, 1996; other)"
    )


def test_a_macro_is_not_taken_for_a_longer_one():
    assert tex_html(r"\ab{} \abc", {"ab": "1", "abc": "2"}) == "1 2"


def test_formulas_are_mathml_with_the_values_of_macros():
    shown = tex_html(r"$R^2 = \best$ of $w\tp a$", {"best": "0.68"})
    assert shown.count("<math ") == 2 and "<mn>0.68</mn>" in shown and "<msup>" in shown and "$" not in shown


@pytest.mark.parametrize(
    ("rounding", "value", "words"),
    [
        (fixed(2), -1.5, "-1.50"),
        (integer(), 12345, "12,345"),
        (percent(1), 0.934, "93.4\N{THIN SPACE}%"),
        (scientific(2), 1.23e6, "1.23×10^6"),
    ],
)
def test_what_macros_hold_becomes_text(rounding, value, words):
    assert tex_text(rounding.render(value)) == words


def test_powers_of_ten_become_formulas():
    assert "<msup>" in tex_html(scientific(1).render(3e-7)) and "ensuremath" not in tex_html(scientific(1).render(3e-7))


def test_what_the_macros_escape_comes_back():
    name = "50% of A&B_{x} #1 $5 ~ ^ \\ <b>"
    assert tex_text(escape(name)) == name
    assert "<b>" not in tex_html(escape(name))
    words = 'Žluťoučký kůň, Ångström, ñ ī ạ, ± × − αβ, Имя слоя, 東京, €½ `x` "y" $x_1$'
    assert tex_text(escape(words)) == words
    assert html.unescape(tex_html(escape(words))) == words


def test_a_formula_that_cannot_be_converted_is_shown_as_it_is_written():
    assert formula(r"\left( 1 <") == r"<code>\left( 1 &lt;</code>"


def test_every_caption_becomes_html_without_a_trace_of_latex():
    items = [
        (name, item)
        for path in sorted(ROOT.glob("notebooks/*/items.yaml"))
        for name, item in yaml.safe_load(path.read_text(encoding="utf-8")).items()
    ]
    values = {name: "7" for name, item in items if item["kind"] == "macro"}
    for name, item in items:
        shown = tex_html(item.get("caption", ""), values)
        assert "\\" not in shown and "$" not in shown and "{" not in shown, f"{name}: {shown}"
