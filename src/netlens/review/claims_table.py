r"""The claims as the paper and the README print them: ``\ifclaim``, ``\claimstable``, and a table in Markdown."""

from collections.abc import Iterable, Mapping

from netlens.publish.tex_words import escape
from netlens.review.claims import CLAIMS_FILE, Outcome, Values, judge, load_claims
from netlens.review.job_minutes import minutes_of
from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import load_catalogue
from netlens.workflow.errors import UserError
from netlens.workflow.study import load_study


def tex_claims(study: str) -> str:
    """LaTeX about the claims of a study that has been made.

    Parameters
    ----------
    study
        Name or file of the study.

    Raises
    ------
    UserError
        A claim is not valid, or cannot be told.
    """
    return tex_definitions(*_judged(study))


def markdown_claims(study: str) -> str:
    """Table in Markdown of the claims of a study that has been made; see `tex_claims`."""
    return markdown_table(*_judged(study))


def _judged(study: str) -> tuple[list[Outcome], dict[str, float]]:
    """Outcomes of a study's claims in the order of the file, and the minutes behind each."""
    config = load_study(study)
    name = config["study"]
    catalogue = load_catalogue()
    absent = absent_items(config, catalogue)
    claims = [
        claim
        for claim in load_claims(catalogue)
        if claim.applies(name, [item for item in catalogue if item not in absent])
    ]
    values = Values(catalogue, name)
    minutes = minutes_of({claim.key: [catalogue[item] for item in claim.items] for claim in claims}, name)
    return [judge(claim, values) for claim in claims], minutes


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
            escape(outcome.claim.quantity),
            _tex_number(outcome.value),
            "no" if outcome.outcome == "fails" else "yes",
            _minutes(minutes[outcome.claim.key]),
        )
        rows.append(f"  {' & '.join(cells)}\\tabularnewline%")
    return "\n".join([*lines, "\\newcommand{\\netlensclaims}{%", *rows, "}%"])


def _tex_number(value: float | None) -> str:
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    power = f"\\cdot 10^{{{int(exponent)}}}" if exponent else ""
    return f"${mantissa}{power}$"


def _minutes(minutes: float) -> str:
    return "under 1" if minutes < 1 else f"{minutes:.0f}"


def markdown_table(outcomes: Iterable[Outcome], minutes: Mapping[str, float]) -> str:
    """Table of claims in Markdown: the sentence, its value, whether it holds, and the command with its minutes."""
    rows = ["| claim | number | value | holds | made again by | minutes |", "|---|---|---|---|---|---|"]
    for outcome in outcomes:
        claim = outcome.claim
        value = "" if outcome.value is None else f"{outcome.value:.3g}"
        holds = {"fails": "no", "cannot be told": "?"}.get(outcome.outcome, "yes")
        sentence = claim.sentence.replace("|", "/")
        cells = [sentence, claim.quantity, value, holds, f"`{claim.command}`", _minutes(minutes[claim.key])]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
