r"""The claims as the paper and the README print them: ``\ifclaim``, ``\claimstable``, and a table in Markdown."""

from collections.abc import Iterable, Mapping

from netlens.publish.macro import escape
from netlens.review.claims import CLAIMS_FILE, Outcome
from netlens.workflow.errors import UserError


def tex_definitions(outcomes: Iterable[Outcome], minutes: Mapping[str, float]) -> str:
    r"""LaTeX that ``\ifclaim`` and ``\claimstable`` need.

    Parameters
    ----------
    outcomes
        Of the claims that the study makes, in the order of the table.
    minutes
        How long the items of each claim took in this run, by key.

    Raises
    ------
    UserError
        A claim cannot be told.
    """
    outcomes = list(outcomes)
    if unclear := [outcome for outcome in outcomes if outcome.value is None]:
        raise UserError("\n".join(f"{CLAIMS_FILE}: {outcome.claim.key}: {outcome.words}" for outcome in unclear))
    lines = [
        f"\\expandafter\\def\\csname netlens@claim@{outcome.claim.key}\\endcsname{{{int(outcome.outcome != 'fails')}}}%"
        for outcome in outcomes
    ]
    rows = []
    for number, outcome in enumerate(outcomes, start=1):
        cells = (
            str(number),
            escape(outcome.claim.sentence),
            f"\\claimvalue{{{escape(outcome.claim.value.text)}}}{{{_tex_number(outcome.value)}}}",
            "no" if outcome.outcome == "fails" else "yes",
            _minutes(minutes[outcome.claim.key]),
        )
        rows.append(f"  {' & '.join(cells)}\\\\%")
    return "\n".join([*lines, "\\newcommand{\\netlensclaims}{%", *rows, "}%"])


def _tex_number(value: float | None) -> str:
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    power = f"\\cdot 10^{{{int(exponent)}}}" if exponent else ""
    return f"${mantissa}{power}$"


def _minutes(minutes: float) -> str:
    return "under 1" if minutes < 1 else f"{minutes:.0f}"


def markdown_table(outcomes: Iterable[Outcome], minutes: Mapping[str, float]) -> str:
    """Table of claims in Markdown: the sentence, its value, whether it holds, and the command with its minutes."""
    rows = ["| claim | value | holds | made again by | minutes |", "|---|---|---|---|---|"]
    for outcome in outcomes:
        claim = outcome.claim
        value = "" if outcome.value is None else f"{outcome.value:.3g}"
        holds = {"fails": "no", "cannot be told": "?"}.get(outcome.outcome, "yes")
        sentence = claim.sentence.replace("|", "/")
        rows.append(f"| {sentence} | {value} | {holds} | `{claim.command}` | {_minutes(minutes[claim.key])} |")
    return "\n".join(rows)
