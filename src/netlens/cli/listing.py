"""``netlens list`` and ``netlens why``: what each item shows, whether it has been made, and why not or not any more."""

import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from netlens.cli.study_items import study_items
from netlens.review.item_state import ItemState, item_states
from netlens.review.job_costs import load_costs
from netlens.workflow.catalogue import Item, select
from netlens.workflow.planned_jobs import configured_parameters
from netlens.workflow.records import DamagedRecordError, read_record


def print_items(
    study: str,
    *,
    states: list[str] | None = None,
    sections: list[str] | None = None,
    kinds: list[str] | None = None,
    as_json: bool = False,
) -> int:
    """Print the items of the study, by section, or only those of the given states, sections and kinds."""
    found = study_items(study, with_files=True)
    config, items, absent = found.config, found.catalogue, found.absent
    known = _states(study, config, [item for item in items if item not in absent])
    state_of = {item: known[item].state if item in known else "absent" for item in items}
    shown = [
        item
        for item in items.values()
        if (not states or state_of[item.name] in states)
        and (not sections or item.section in sections)
        and (not kinds or item.kind in kinds)
    ]
    seconds = _seconds(shown, config["study"])
    if as_json:
        rows = [
            {
                "name": item.name,
                "section": item.section,
                "kind": item.kind,
                "state": state_of[item.name],
                "detail": absent.get(item.name) or known[item.name].detail,
                "seconds": seconds[item.name],
                "shows": item.shows,
            }
            for item in shown
        ]
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    width = max((len(item.name) for item in shown), default=0)
    columns = max(80, min(140, shutil.get_terminal_size((80, 24)).columns))
    section = None
    for item in shown:
        if item.section != section:
            section = item.section
            print(f"{section.replace('_', ' ')}")
        taken = "" if seconds[item.name] is None else f"{seconds[item.name]:.0f} s"
        line = f"  {item.name:<{width}} {item.kind:<6} {state_of[item.name]:<7} {taken:>5}  "
        line += absent.get(item.name, item.shows)
        print(line if len(line) <= columns else f"{line[: columns - 1]}…")
    return 0


def _seconds(items: Iterable[Item], study: str) -> dict[str, float | None]:
    """How long each item's own job took here, or else where it was published; None where that is not known."""
    published = load_costs(study)
    found: dict[str, float | None] = {}
    for item in items:
        *files, path = item.files(study)
        row = published.jobs.get(min(map(str, files)))
        found[item.name] = float(row[1]) if row else None
        # What a damaged record says of the item's state is told elsewhere.
        with suppress(DamagedRecordError):
            if record := read_record(path):
                found[item.name] = record.duration_s
    return found


def print_reasons(study: str, names: list[str], *, as_json: bool = False) -> int:
    """Print why items are absent, missing, stale or edited: the named ones, or all that are not as they should be."""
    found = study_items(study, with_files=True)
    config, items, absent = found.config, found.catalogue, found.absent
    chosen = [item.name for item in select(items, names)] if names else [item for item in items if item not in absent]
    known = _states(study, config, [item for item in chosen if item not in absent])
    reasons = {
        item: {
            "state": known[item].state if item in known else "absent",
            "detail": absent.get(item) or known[item].detail,
        }
        for item in chosen
    }
    if not names:
        reasons = {item: reason for item, reason in reasons.items() if reason["state"] != "made"}
    if as_json:
        print(json.dumps(reasons, indent=1, ensure_ascii=False))
        return 0
    for item, reason in reasons.items():
        print(f"{item} is {reason['state']}" + (f": {reason['detail']}" if reason["detail"] else ""))
    if not reasons:
        print("every item is made, and nothing that it depends on has changed")
    return 0


def _states(study: str, config: dict[str, Any], names: list[str]) -> dict[str, ItemState]:
    return item_states(
        config["study"], names, configured=lambda: configured_parameters(config, study), keep_hashes=True
    )
