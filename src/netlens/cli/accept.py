"""``netlens accept``: publish items as they have been made, after showing what that changes."""

import json
import subprocess

from netlens.cli.study_items import SUPPLEMENT, study_items
from netlens.cli.verify import warn
from netlens.review import claims, report
from netlens.review.calibration import calibrate
from netlens.review.item_parts import item_parts
from netlens.review.item_state import item_states
from netlens.review.job_costs import save_costs
from netlens.review.job_minutes import minutes_of
from netlens.review.published import FOLDER, LARGEST_BYTES, Reference
from netlens.review.spread import load_spread, merged, save_spread
from netlens.review.verdicts import verify
from netlens.workflow.catalogue import Item
from netlens.workflow.errors import UserError
from netlens.workflow.planned_jobs import configured_parameters
from netlens.workflow.records import jobs_behind, makers, read_record


def accept_items(study: str, names: list[str], reason: str, *, everything: bool = False, as_json: bool = False) -> int:
    """Show how items differ from what is published, then publish them.

    Raises
    ------
    UserError
        The tree has changes that are not committed, an item is missing, stale or edited, or no reason is stated.
    """
    if not reason.strip():
        raise UserError("--reason: say in a sentence why the published values change; it is kept with them")
    if bool(names) == everything:
        raise UserError("name the items to publish, or write --all for all of them")
    _require_clean_tree()
    known = study_items(study)
    config, catalogue, name, available = known.config, known.catalogue, known.study, known.compared
    items = known.named_for_comparison(names)
    states = item_states(name, [item.name for item in items], configured=lambda: configured_parameters(config, study))
    unfit = [item for item in items if states[item.name].state != "made"]
    if unfit:
        lines = [f"{item.name} is {states[item.name].state}: {states[item.name].detail}" for item in unfit[:10]]
        more = [f"and {len(unfit) - 10} more"] if len(unfit) > 10 else []
        raise UserError("\n".join([*lines, *more, "only items that are as their records say can be published"]))
    reference = Reference(name)
    spread = load_spread(name)
    verdicts = verify(items, states, reference, spread)
    if not as_json:
        print(report.table(verdicts))
    changed = []
    for verdict in verdicts:
        item, parts = verdict.item, item_parts(verdict.item, name)
        if verdict.verdict != "identical" or not reference.describes(item.name, parts):
            reference.save(item.name, item.kind, parts, " ".join(reason.split()))
            changed.append(item)
    gone = [other for other in reference.names() if other not in available] if everything else []
    for other in gone:
        reference.remove(other)
    if gone:
        save_spread(name, merged(spread, [], reference.names()))
    outcomes = _publish_claims(name, catalogue, available, items)
    supplement = [item for item in catalogue.values() if everything and item.section == SUPPLEMENT]
    made = [read_record(item.files(name)[-1]) for item in [*items, *supplement]]
    records = [record for record in made if record is not None]
    save_costs(jobs_behind(records, makers(name)), name, calibrate().processor_s)
    size = reference.size_bytes()
    if as_json:
        data = report.as_data(name, verdicts, outcomes, spread)
        published = [item.name for item in changed]
        print(json.dumps({**data, "published": published, "removed": gone, "bytes": size}, indent=1))
    else:
        print(
            f"{reference.folder}: {len(changed)} items published, {len(gone)} removed; {size / 1e6:.1f} MB; commit it"
        )
    if size > LARGEST_BYTES:
        warn(f"{reference.folder} is larger than {LARGEST_BYTES / 1e6:.0f} MB; too large to be kept with the code")
        return 1
    return 0


def _publish_claims(
    study: str, catalogue: dict[str, Item], available: dict[str, Item], items: list[Item]
) -> list[claims.Outcome]:
    """Publish the values of the claims that the items carry; the others keep theirs."""
    touched = {item.name for item in items}
    made = [claim for claim in claims.load_claims(catalogue) if claim.applies(study, available)]
    values = claims.Values(catalogue, study)
    # A claim is published as a whole, so all of its items have to be there.
    concerned = [
        claim
        for claim in made
        if touched & {*claim.items}
        and all(path.is_file() for name in claim.items for path in catalogue[name].files(study))
    ]
    outcomes = claims.judge_all(concerned, values, {})
    if unclear := [outcome for outcome in outcomes if outcome.value is None]:
        raise UserError("\n".join(f"claim {outcome.claim.key}: {outcome.words}" for outcome in unclear))
    for outcome in outcomes:
        if outcome.outcome == "fails":
            warn(f"claim {outcome.claim.key} fails: {outcome.claim.condition.text}")
    minutes = minutes_of({claim.key: [catalogue[name] for name in claim.items] for claim in concerned}, study)
    keys = {claim.key for claim in made}
    kept = {key: entry for key, entry in claims.load_published(study).items() if key in keys}
    claims.save_published(outcomes, minutes, study, kept)
    return outcomes


def _require_clean_tree() -> None:
    """Check that nothing but the reference differs from the commit.

    Raises
    ------
    UserError
        A tracked file has been changed.
    """
    command = ["git", "status", "--porcelain", "--untracked-files=no", "--", ".", f":!{FOLDER}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError("what is published must come from a commit, but this folder is not a git repository")
    if changed := done.stdout.splitlines():
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise UserError(f"the tree has changes that are not committed: {changed[0][3:]}{more}; commit them first")
