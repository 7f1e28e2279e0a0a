"""``netlens verify``: compare what has been made with what was published, and judge the paper's claims."""

import json
import sys
from pathlib import Path

from netlens.cli.study_items import study_items
from netlens.review import claims, report
from netlens.review.item_state import item_states
from netlens.review.published import Reference
from netlens.review.spread import load_spread
from netlens.review.verdicts import verify
from netlens.workflow.planned_jobs import configured_parameters


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
    known = study_items(study)
    config, name, available = known.config, known.study, known.compared
    items = known.named_for_comparison(names)
    reference = Reference(name)
    reference.require()
    spread = load_spread(name)
    states = item_states(name, [item.name for item in items], configured=lambda: configured_parameters(config, study))
    verdicts = verify(items, states, reference, spread)
    made = claims.load_claims(known.catalogue)
    touched = {item.name for item in items}
    concerned = [claim for claim in made if claim.applies(name, available) and (not names or touched & {*claim.items})]
    outcomes = claims.judge_all(concerned, claims.Values(known.catalogue, name), claims.load_published(name))
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


def warn(line: str) -> None:
    """Print a line about what the user should know, apart from the result."""
    print(f"netlens: {line}", file=sys.stderr)
