"""The supplement of a paper: what it shows, and its first page.

Everything is passed in as plain data; `netlens.review.site` collects it from the catalogue, the records and the claims.
"""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from netlens.publish import page
from netlens.publish.shown import SavedPage
from netlens.publish.small_pictures import SmallPicture, small_pictures
from netlens.publish.tex_html import tex_html

#: Size of a figure's picture on the first page, in pixels of a screen of double density.
_THUMBNAIL_PX: Final = (480, 400)
#: The folder of the items' pages, seen from the first page.
ITEMS_FOLDER: Final = "items"


@dataclass(frozen=True)
class ShownClaim:
    """A claim of the paper and what this run says of it.

    Attributes
    ----------
    sentence
        The claim; plain text.
    outcome
        ``holds``, ``moved``, ``fails`` or ``cannot be told``.
    quantity
        What the number behind it is.
    value, published
        That number in this run and when it was published; None if unknown.
    items
        The items that carry it.
    command
        What makes them again.
    words
        Why it cannot be told; empty otherwise.
    """

    sentence: str
    outcome: str
    quantity: str
    value: float | None
    published: float | None
    items: tuple[str, ...]
    command: str
    words: str = ""


@dataclass(frozen=True)
class ShownItem:
    """A figure, number or page of a study.

    Attributes
    ----------
    name, section, kind, shows
        As in the catalogue.
    state
        ``made``, ``stale``, ``edited``, ``missing`` or ``absent``.
    detail
        Why it is in that state; empty for ``made``.
    caption
        LaTeX, for figures.
    files
        Its files by suffix without the dot; empty if it has not been made.
    record
        Its provenance record.
    notebook
        The executed notebook as parsed JSON; None if there is none.
    """

    name: str
    section: str
    kind: str
    shows: str
    state: str
    detail: str = ""
    caption: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    notebook: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Supplement:
    """All that the supplement of a study shows.

    Attributes
    ----------
    study, title, images_are
        As in the study's configuration; plain text.
    authors
        Names of the paper's authors.
    sections
        Titles of the sections by name, in their order.
    items
        All items in the order of the paper.
    claims
        The paper's claims.
    paper
        Relative link from the first page to the PDF; empty if there is none.
    citation
        The fields of ``CITATION.cff``.
    license_name
        Name of the license.
    source
        The notebook that makes the supplement.
    works
        How works are cited, by key.
    """

    study: str
    title: str
    authors: tuple[str, ...]
    images_are: str
    sections: Mapping[str, str]
    items: tuple[ShownItem, ...]
    claims: tuple[ShownClaim, ...]
    paper: str
    citation: Mapping[str, Any]
    license_name: str
    source: str
    works: Mapping[str, str] = field(default_factory=dict)

    def made(self, kind: str) -> list[ShownItem]:
        """Items of a kind that have been made."""
        return [item for item in self.items if item.kind == kind and item.files]

    def macros(self) -> dict[str, str]:
        """LaTeX of all macros by name, for captions; those that have not been made say so."""
        return {
            item.name: str(item.record.get("text", "")) if item.files else r"\emph{(not made)}"
            for item in self.items
            if item.kind == "macro"
        }

    def claims_of(self, item: str) -> list[ShownClaim]:
        """Claims that an item carries."""
        return [claim for claim in self.claims if item in claim.items]


def save_first_page(supplement: Supplement, stem: str | Path) -> SavedPage:
    """Write the supplement's first page, ``<stem>.html``.

    The bytes depend only on what it shows: neither durations nor machines are on it.
    """
    body = "\n".join(
        [
            _beginning(supplement),
            _claims(supplement),
            *_sections(supplement),
            _numbers(supplement),
            _pages(supplement),
            _not_here(supplement),
            _again(supplement),
        ]
    )
    return page.save(
        body,
        stem,
        title=supplement.title,
        shows=f"Supplement of the paper by {_series(supplement.authors)}: every figure and number with what it was "
        "made from",
        study=supplement.study,
        images_are=supplement.images_are,
        source=supplement.source,
        style=asset("supplement.css"),
        script=asset("supplement.js"),
        home="",
    )


def asset(name: str) -> str:
    """Text of a file beside the page's own style."""
    return (resources.files("netlens.publish") / "assets" / name).read_text(encoding="utf-8")


def item_link(name: str, up: str = "") -> str:
    """Link to the page of an item, from the first page or from a page at `up`."""
    return f'<a href="{up or f"{ITEMS_FOLDER}/"}{html.escape(name)}.html">{html.escape(name)}</a>'


def claim_list(claims: Iterable[ShownClaim]) -> str:
    """Claims with their outcomes, as a list; empty if there are none."""
    entries = [f"<li>{outcome_mark(claim.outcome)} {html.escape(claim.sentence, quote=False)}</li>" for claim in claims]
    return f'<ul class="carried" aria-label="Claims">{"".join(entries)}</ul>' if entries else ""


def outcome_mark(outcome: str) -> str:
    """Outcome of a claim as a mark."""
    return f'<span class="mark {outcome.replace(" ", "-")}">{outcome}</span>'


def number_html(item: ShownItem) -> str:
    """A macro's text and its unit."""
    unit = str(item.record.get("unit") or "")
    text = tex_html(str(item.record.get("text", "")))
    # The unit of a share is the percent sign that the text ends with already.
    return text if not unit else f'{text} <span class="unit">{html.escape(unit)}</span>'


def short(value: float | None) -> str:
    """A number with four digits, or a dash."""
    return "–" if value is None else f"{value:.4g}"


def _series(words: Iterable[str]) -> str:
    *first, last = list(words) or ["unknown authors"]
    return f"{', '.join(first)} and {last}" if first else last


def _beginning(supplement: Supplement) -> str:
    figures, numbers, pages = (supplement.made(kind) for kind in ("figure", "macro", "page"))
    counts = [
        f'<a href="#figures">{_count(len(figures), "figure")}</a>' if figures else "",
        f'<a href="#numbers">{_count(len(numbers), "number")}</a>' if numbers else "",
        f'<a href="#pages">{_count(len(pages), "interactive page")}</a>' if pages else "",
        f'<a href="#claims">{_count(len(supplement.claims), "claim")}</a>' if supplement.claims else "",
        '<a href="#again">how to make and cite it</a>',
    ]
    if supplement.paper:
        counts.insert(0, f'<a class="paper" href="{html.escape(supplement.paper)}">The paper (PDF)</a>')
    missing = [item for item in supplement.items if item.state == "missing"]
    partial = (
        f'<p class="partial">This is a part of the study: <a href="#missing">{len(missing)} of its items</a> '
        "have not been made.</p>\n"
        if missing
        else ""
    )
    listed = "".join(f"<li>{entry}</li>" for entry in counts if entry)
    return (
        f'{partial}<nav aria-label="On this page"><ul class="counts">{listed}</ul></nav>\n'
        '<div class="find" role="search" hidden><label for="search">Find a figure, number, page or claim</label>\n'
        '<input id="search" type="search" autocomplete="off" spellcheck="false">\n'
        '<p id="found" role="status"></p></div>'
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _claims(supplement: Supplement) -> str:
    if not supplement.claims:
        return ""
    outcomes = [claim.outcome for claim in supplement.claims]
    counted = [_outcome_words(outcome, outcomes.count(outcome)) for outcome in dict.fromkeys(outcomes)]
    entries = []
    for claim in supplement.claims:
        words = f'<p class="why">{html.escape(claim.words, quote=False)}</p>' if claim.words else ""
        then = "" if claim.published is None else f" (published: {short(claim.published)})"
        number = (
            ""
            if claim.value is None
            else f'{short(claim.value)}{then} <span class="unit">{html.escape(claim.quantity)}</span>'
        )
        entries.append(
            f"<li data-entry><div><p>{html.escape(claim.sentence, quote=False)}</p>{words}"
            f'<p class="from">From {", ".join(map(_linked(supplement), claim.items))}</p></div>'
            f'<p class="outcome">{outcome_mark(claim.outcome)}</p><p class="number">{number}</p></li>'
        )
    return (
        '<section data-group aria-labelledby="claims"><h2 id="claims">What the paper claims</h2>\n'
        f"<p>In this run, of {_count(len(outcomes), 'claim')}, {_series(counted)}. Each is judged by a condition over "
        "the numbers below.</p>\n"
        f'<ol class="claims">\n{"".join(entries)}\n</ol></section>'
    )


def _outcome_words(outcome: str, number: int) -> str:
    one_or_many = {"holds": ("holds", "hold"), "fails": ("fails", "fail"), "moved": ("has moved", "have moved")}
    return f"{number} {one_or_many.get(outcome, (outcome, outcome))[number != 1]}"


def _linked(supplement: Supplement) -> Any:
    made = {item.name for item in supplement.items if item.files}
    return lambda name: item_link(name) if name in made else f"<code>{html.escape(name)}</code> (not made)"


def _sections(supplement: Supplement) -> Iterable[str]:
    macros = supplement.macros()
    figures = supplement.made("figure")
    pictures = small_pictures([item.files["png"] for item in figures], *_THUMBNAIL_PX)
    thumbnails = {item.name: picture for item, picture in zip(figures, pictures, strict=True)}
    first = True
    for section, title in supplement.sections.items():
        shown = [item for item in figures if item.section == section]
        if not shown:
            continue
        cards = "\n".join(_card(supplement, item, thumbnails[item.name], macros) for item in shown)
        anchor = '<span id="figures"></span>' if first else ""
        first = False
        yield (
            f'{anchor}<section data-group aria-labelledby="section-{section}">'
            f'<h2 id="section-{section}">{html.escape(title)}</h2>\n<div class="cards">\n{cards}\n</div></section>'
        )


def _card(supplement: Supplement, item: ShownItem, picture: SmallPicture, macros: Mapping[str, str]) -> str:
    target = f"{ITEMS_FOLDER}/{item.name}.html"
    state = "" if item.state == "made" else f'<p class="why">{item.state}: {html.escape(item.detail, quote=False)}</p>'
    return (
        f'<article class="card" data-entry><h3>{item_link(item.name)}</h3>\n'
        f'<a class="picture" href="{target}" tabindex="-1"><img class="thumbnail" src="{picture.uri}" '
        f'width="{picture.width_px}" height="{picture.height_px}" alt="{html.escape(item.shows)}"></a>\n'
        f'{state}<p class="caption">{tex_html(item.caption, macros, supplement.works)}</p>\n'
        f"{claim_list(supplement.claims_of(item.name))}</article>"
    )


def _numbers(supplement: Supplement) -> str:
    numbers = supplement.made("macro")
    if not numbers:
        return ""
    parts = []
    for section, title in supplement.sections.items():
        rows = [
            f'<tr data-entry><th scope="row">{item_link(item.name)}<p class="from">'
            f"{html.escape(item.shows, quote=False)}</p></th><td>{number_html(item)}{_ends(item)}</td></tr>"
            for item in numbers
            if item.section == section
        ]
        if rows:
            parts.append(
                f'<div data-group><table class="numbers"><caption>{html.escape(title)}</caption>'
                f'<thead><tr><th scope="col">Macro and what it is</th><th scope="col">Value</th></tr></thead>'
                f"<tbody>{''.join(rows)}</tbody></table></div>"
            )
    tables = "\n".join(parts)
    return (
        '<section data-group aria-labelledby="numbers"><h2 id="numbers">Numbers</h2>\n<p>The paper takes every number '
        f"from one of these macros. Each has a page with its full precision and its notebook.</p>\n{tables}</section>"
    )


def _ends(item: ShownItem) -> str:
    interval = item.record.get("interval")
    if not isinstance(interval, Mapping):
        return ""
    level = f"{100 * float(interval['level']):g} %"
    return f'<br><span class="unit">{level}: {interval["low"]:.4g} to {interval["high"]:.4g}</span>'


def _pages(supplement: Supplement) -> str:
    pages = supplement.made("page")
    entries = [
        f'<li data-entry><a href="{item.name}.html">{html.escape(str(item.record.get("title") or item.name))}</a>'
        f"<p>{html.escape(item.shows)}</p></li>"
        for item in pages
    ]
    if not entries:
        return ""
    return (
        '<section data-group aria-labelledby="pages"><h2 id="pages">Interactive pages</h2>\n'
        f'<ul class="pages">\n{"".join(entries)}\n</ul></section>'
    )


def _not_here(supplement: Supplement) -> str:
    parts = []
    if missing := [item for item in supplement.items if item.state == "missing"]:
        names = ", ".join(f"<code>{html.escape(item.name)}</code>" for item in missing)
        parts.append(
            f'<section aria-labelledby="missing"><h2 id="missing">Not made yet</h2>\n<details><summary>'
            f"{_count(len(missing), 'item')}</summary><p>{names}</p></details>\n"
            f"<p>Make one: <code>netlens run NAME --study {html.escape(supplement.study)}</code>.</p></section>"
        )
    reasons: dict[str, list[str]] = {}
    for item in supplement.items:
        if item.state == "absent":
            reasons.setdefault(item.detail, []).append(item.name)
    if reasons:
        entries = [
            f"<li>{html.escape(reason[:1].upper() + reason[1:], quote=False)}: "
            f"{', '.join(f'<code>{html.escape(name)}</code>' for name in names)}.</li>"
            for reason, names in reasons.items()
        ]
        parts.append(
            '<section aria-labelledby="absent"><h2 id="absent">What this study does not have</h2>\n<ul>'
            f"{''.join(entries)}</ul></section>"
        )
    return "\n".join(parts)


def _again(supplement: Supplement) -> str:
    study = html.escape(supplement.study)
    words, bibtex = citation(supplement.citation)
    return (
        '<section aria-labelledby="again"><h2 id="again">Make it again, cite it</h2>\n'
        f"<p>Everything: <code>make paper STUDY={study}</code>. One figure or number: <code>netlens run NAME --study "
        f"{study}</code>. What differs from what was published: <code>netlens verify --study {study}</code>.</p>\n"
        f"<p>{html.escape(words, quote=False)}</p>\n"
        f'<pre tabindex="0" role="region" aria-label="BibTeX">{html.escape(bibtex, quote=False)}</pre>\n'
        f"<p>License of the code: {html.escape(supplement.license_name)}.</p></section>"
    )


def citation(fields: Mapping[str, Any]) -> tuple[str, str]:
    """How to cite a work, as a sentence and as BibTeX.

    Parameters
    ----------
    fields
        Contents of a file ``CITATION.cff``.
    """
    names = [
        str(author.get("name") or " ".join(filter(None, (author.get("given-names"), author.get("family-names")))))
        for author in fields.get("authors", ())
    ]
    title, version = str(fields.get("title", "")), str(fields.get("version", ""))
    year = str(fields.get("date-released", ""))[:4]
    address = str(fields.get("doi") or fields.get("url") or fields.get("repository-code") or "")
    words = f"{_series(names)}{f' ({year})' if year else ''}. {title}.{f' Version {version}.' if version else ''}"
    entries = {
        "title": "{" + title + "}",
        # Braces keep the name of a group in one piece.
        "author": " and ".join(f"{{{name}}}" for name in names),
        "version": version,
        "year": year,
        "doi" if fields.get("doi") else "url": address,
    }
    key = re.sub(r"\W.*", "", title.lower()) or "work"
    lines = [f"  {name} = {{{value}}}," for name, value in entries.items() if value.strip("{}")]
    return f"{words}{f' {address}' if address else ''}", "\n".join([f"@software{{{key},", *lines, "}"])
