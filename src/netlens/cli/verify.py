"""``netlens verify``: compare what has been made with what was published, and judge the paper's claims."""

import json
import sys
from pathlib import Path
from typing import Any

from netlens.review import claims, report
from netlens.review.item_state import item_states
from netlens.review.published import Reference
from netlens.review.spread import load_spread
from netlens.review.verdicts import verify
from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import Item, load_catalogue, select
from netlens.workflow.errors import UserError
from netlens.workflow.planned_jobs import configured_parameters
from netlens.workflow.study import load_study

#: Section of the pages that repeat what other items hold.
SUPPLEMENT = "site"


def verify_items(
    study: str,
    names: list[str],
    *,
    as_json: bool = False,
    everything: bool = False,
    html: str | None = None,
    junit: str | None = None,
) -> int:
    """Print the verdict on each named item, or on all, and the claims.

    Returns
    -------
    int
        0 if all agree and all claims hold, else 1.
    """
    config, catalogue, available = study_items(study)
    name = config["study"]
    items = chosen_items(names, catalogue, available, name)
    reference = Reference(name)
    reference.require()
    spread = load_spread(name)
    states = item_states(name, [item.name for item in items], configured=lambda: configured_parameters(config, study))
    verdicts = verify(items, states, reference, spread)
    made = claims.load_claims(catalogue)
    touched = {item.name for item in items}
    concerned = [claim for claim in made if claim.applies(name, available) and (not names or touched & {*claim.items})]
    outcomes = claims.judge_all(concerned, claims.Values(catalogue, name), claims.load_published(name))
    gone = [] if names else [other for other in reference.names() if other not in available]
    if junit:
        report.write_junit(Path(junit), verdicts, outcomes)
    if html:
        report.write_page(Path(html), verdicts, outcomes, reference, config)
    if as_json:
        data = report.as_data(name, verdicts, outcomes, spread)
        print(json.dumps({**data, "published_but_absent": gone}, indent=1, ensure_ascii=False))
    else:
        print(report.table(verdicts, everything=everything or bool(names), whole=bool(names)))
        if gone:
            print(f"published, but not items of the study any more: {', '.join(gone)}")
        if outcomes:
            print(f"\n{report.claims_table(outcomes)}")
        for path in (html, junit):
            if path:
                print(path)
    return 0 if report.agree(verdicts, outcomes) and not gone else 1


def study_items(study: str) -> tuple[dict[str, Any], dict[str, Item], dict[str, Item]]:
    """Load a study: its configuration, all items, and those that can be published and compared.

    They are all that it can have but for the supplement's first page, which repeats what the others and the reference
    itself hold.

    Raises
    ------
    UserError
        The study is not valid.
    """
    config = load_study(study)
    catalogue = load_catalogue()
    absent = absent_items(config, catalogue)
    compared = {name: item for name, item in catalogue.items() if name not in absent and item.section != SUPPLEMENT}
    return config, catalogue, compared


def chosen_items(names: list[str], catalogue: dict[str, Item], available: dict[str, Item], study: str) -> list[Item]:
    """Items with the given names, or all that a study can have if none is named.

    Raises
    ------
    UserError
        A name does not exist, or the study cannot have it.
    """
    items = select(catalogue, names) if names else list(available.values())
    if repeats := [item.name for item in items if item.section == SUPPLEMENT]:
        raise UserError(f"{repeats[0]} repeats what other items hold, which are compared instead")
    absent = [item.name for item in items if item.name not in available]
    if absent:
        raise UserError(
            "\n".join(f"study {study} has no {name}; `netlens list --study {study}` says why" for name in absent)
        )
    return items


def warn(line: str) -> None:
    """Print a line about what the user should know, apart from the result."""
    print(f"netlens: {line}", file=sys.stderr)
