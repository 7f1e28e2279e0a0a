"""What `netlens verify` leaves behind: a table for terminals, plain data, JUnit's XML, and a page with pictures."""

import html
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import numpy as np

from netlens.files.atomic import writing
from netlens.publish import page
from netlens.review.claims import OUTCOMES, Outcome
from netlens.review.pictures import PictureError, difference_picture, reduced
from netlens.review.published import Published, Reference
from netlens.review.tolerances import Spread
from netlens.review.verdicts import VERDICTS, Verdict
from netlens.workflow.errors import UserError

_STYLE: Final = """
table.verdicts { border-collapse: collapse; width: 100%; }
table.verdicts td, table.verdicts th { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); overflow-wrap: anywhere; }
.side { display: flex; flex-wrap: wrap; gap: 1rem; }
.side figure { margin: 0; flex: 1 1 16rem; }
.side img { max-width: 100%; height: auto; background: #fff; }
"""


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many items have which verdict, in one line, the worst first."""
    counts = Counter(verdict.verdict for verdict in verdicts)
    return ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts[name]) or "no items"


def table(
    verdicts: Sequence[Verdict], *, everything: bool = False, whole: bool = False, columns: int | None = None
) -> str:
    """Table of verdicts, the worst first; one line an item.

    Parameters
    ----------
    verdicts
        Sorted as `netlens.review.verdicts.verify` does.
    everything
        Whether items with the same bytes have lines of their own, instead of only being counted.
    whole
        Whether lines may be longer than the table is wide, so that nothing of a reason is cut off.
    columns
        Width; by default that of the terminal.
    """
    shown = [verdict for verdict in verdicts if everything or verdict.verdict != "identical"]
    width = columns or max(80, shutil.get_terminal_size((100, 24)).columns)
    names = max((len(verdict.item.name) for verdict in shown), default=0)
    kinds = max((len(verdict.verdict) for verdict in shown), default=0)
    lines = [f"{verdict.verdict:<{kinds}}  {verdict.item.name:<{names}}  {verdict.words}" for verdict in shown]
    return "\n".join([*(line if whole else _cut(line, width) for line in lines), summary(verdicts)])


def claims_table(outcomes: Sequence[Outcome], *, columns: int | None = None) -> str:
    """Table of claims, the worst first: the outcome, the claim's name, its value, and the sentence."""
    if not outcomes:
        return "no claims"
    width = columns or max(80, shutil.get_terminal_size((100, 24)).columns)
    names = max(len(outcome.claim.key) for outcome in outcomes)
    kinds = max(len(outcome.outcome) for outcome in outcomes)
    lines = []
    for outcome in outcomes:
        value = "" if outcome.value is None else f"{outcome.value:.3g}"
        if outcome.published is not None and outcome.value is not None and outcome.value != outcome.published:
            value += f" (published: {outcome.published:.3g})"
        words = outcome.words or outcome.claim.sentence
        lines.append(_cut(f"{outcome.outcome:<{kinds}}  {outcome.claim.key:<{names}}  {value:<8}  {words}", width))
    counts = Counter(outcome.outcome for outcome in outcomes)
    lines.append("claims: " + ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts[name]))
    return "\n".join(lines)


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}…"


def as_data(study: str, verdicts: Sequence[Verdict], outcomes: Sequence[Outcome], spread: Spread) -> dict[str, Any]:
    """Verdicts and claims as plain data, for ``--json``."""
    return {
        "study": study,
        "agrees": agree(verdicts, outcomes),
        "items": [
            {
                "name": verdict.item.name,
                "kind": verdict.item.kind,
                "section": verdict.item.section,
                "verdict": verdict.verdict,
                "words": verdict.words,
                "parts": [
                    {
                        "part": part.part,
                        "distance": _finite(part.distance),
                        "tolerance": _finite(part.tolerance.value),
                        "reason": part.tolerance.reason,
                        "measured": part.tolerance.measured,
                        "spread_of_seeds": _finite(spread.of_seeds(verdict.item.name, part.part)),
                        "agrees": part.agrees,
                    }
                    for part in verdict.comparisons
                ],
            }
            for verdict in verdicts
        ],
        "claims": [
            {
                "key": outcome.claim.key,
                "sentence": outcome.claim.sentence,
                "items": list(outcome.claim.items),
                "condition": outcome.claim.condition.text,
                "outcome": outcome.outcome,
                "value": outcome.value,
                "expected": outcome.published,
                "tolerance": outcome.claim.tolerance,
                "command": outcome.claim.command,
                "minutes": outcome.minutes,
                "words": outcome.words,
            }
            for outcome in outcomes
        ],
    }


def _finite(value: float | None) -> float | str | None:
    """Return a number as JSON has it, which knows no infinity."""
    return value if value is None or np.isfinite(value) else "infinite"


def agree(verdicts: Sequence[Verdict], outcomes: Sequence[Outcome]) -> bool:
    """Whether every item is what was published and every claim holds."""
    return all(verdict.agrees for verdict in verdicts) and all(outcome.outcome == "holds" for outcome in outcomes)


def write_junit(path: Path, verdicts: Sequence[Verdict], outcomes: Sequence[Outcome]) -> None:
    """Write verdicts and claims as JUnit's XML, which CI systems read: each a test, failed unless it agrees."""
    root = ElementTree.Element("testsuites")
    for name, cases in (
        ("items", [(verdict.item.name, verdict.agrees, verdict.verdict, verdict.words) for verdict in verdicts]),
        (
            "claims",
            [
                (
                    outcome.claim.key,
                    outcome.outcome == "holds",
                    outcome.outcome,
                    outcome.words or outcome.claim.sentence,
                )
                for outcome in outcomes
            ],
        ),
    ):
        failed = sum(not agrees for _, agrees, _, _ in cases)
        suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)), failures=str(failed))
        for case, agrees, kind, words in cases:
            element = ElementTree.SubElement(suite, "testcase", classname=f"netlens.{name}", name=case)
            if not agrees:
                ElementTree.SubElement(element, "failure", type=kind, message=words)
    with writing(path) as temporary:
        ElementTree.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)


def write_page(
    path: Path,
    verdicts: Sequence[Verdict],
    outcomes: Sequence[Outcome],
    reference: Reference,
    config: Mapping[str, Any],
) -> None:
    """Write a page with all verdicts, and each figure that is not identical beside its published picture.

    Parameters
    ----------
    path
        The HTML file; it is complete in itself. Its record lies beside it.
    verdicts, outcomes
        What `netlens verify` found.
    reference
        What the study published.
    config
        The validated study.
    """
    body = [f"<p>{html.escape(summary(verdicts))}.</p>", "<h2>Claims</h2>", _claims_html(outcomes), "<h2>Items</h2>"]
    body.append(
        _rows_html(
            ("verdict", "item", "why"), [(verdict.verdict, verdict.item.name, verdict.words) for verdict in verdicts]
        )
    )
    for verdict in verdicts:
        if verdict.item.kind == "figure" and verdict.verdict != "identical":
            body.append(_side_by_side(verdict, reference))
    page.save(
        "\n".join(body),
        path.with_suffix(""),
        title=f"Verification of study {reference.study}",
        shows="Each figure, number and page beside what was published",
        study=reference.study,
        images_are=str(config["images_are"]),
        source="netlens verify",
        style=_STYLE,
        home="",
    )


def _claims_html(outcomes: Sequence[Outcome]) -> str:
    rows = [
        (
            outcome.outcome,
            outcome.claim.sentence,
            "" if outcome.value is None else f"{outcome.value:.4g}",
            "" if outcome.published is None else f"{outcome.published:.4g}",
            outcome.words or outcome.claim.condition.text,
        )
        for outcome in outcomes
    ]
    return _rows_html(("outcome", "claim", "value", "published", "condition"), rows)


def _rows_html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    header = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    lines = ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return f'<table class="verdicts"><thead><tr>{header}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def _side_by_side(verdict: Verdict, reference: Reference) -> str:
    item = verdict.item
    try:
        published: Published | None = reference.load(item.name)
    except UserError:
        published = None
    try:
        now = reduced(f"{item.stem(reference.study)}.png")
    except PictureError:
        now = None
    then = published.picture if published else None
    pictures = [("published", then), ("now", now)]
    if now is not None and then is not None:
        pictures.append(("difference: blue where small, orange where large", difference_picture(now, then)))
    shown = [
        f"<figure>{page.image(pixels, f'{item.name}, {words}')}<figcaption>{words}</figcaption></figure>"
        for words, pixels in pictures
        if pixels is not None
    ]
    heading = f"<h3>{html.escape(item.name)}: {verdict.verdict}</h3>\n<p>{html.escape(verdict.words)}</p>"
    return f'{heading}\n<div class="side">{"".join(shown)}</div>'
