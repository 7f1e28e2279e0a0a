"""``netlens explain``: where a number, figure or page comes from, and how that differs from what was published."""

import functools
import json
from typing import Any

from netlens.review import explanation
from netlens.review.item_state import item_states
from netlens.workflow.catalogue import Item, load_catalogue, select
from netlens.workflow.errors import UserError
from netlens.workflow.planned_jobs import configured_parameters
from netlens.workflow.records import makers, read_record
from netlens.workflow.study import load_study


def explain_item(study: str, name: str, *, diff: bool = False, as_json: bool = False) -> int:
    """Print where an item comes from.

    Parameters
    ----------
    study
        Name or file of the study.
    name
        Name of the item; a macro may have its backslash.
    diff
        Print what differs from the published version instead.
    as_json
        Print plain data.

    Raises
    ------
    UserError
        There is no such item, it has not been made, its record is damaged, or nothing is published of it.
    """
    config = load_study(study)
    catalogue = load_catalogue()
    item = select(catalogue, [name.removeprefix("\\")])[0]
    record = _record(item, config, catalogue)
    if diff:
        return _print_changes(item, study, config, as_json=as_json)
    state = item_states(
        config["study"], [item.name], configured=lambda: configured_parameters(config, study), keep_hashes=True
    )[item.name]
    found = explanation.explain(item, state, record, makers(config["study"]))
    print(
        json.dumps(explanation.as_data(found), indent=1, ensure_ascii=False) if as_json else explanation.as_text(found)
    )
    return 0


def _record(item: Item, config: dict[str, Any], catalogue: dict[str, Item]) -> Any:
    study = config["study"]
    path = item.files(study)[-1]
    if path.is_file():
        record = read_record(path)
        if record is None:
            again = f"netlens run {item.name} --force --study {study}"
            raise UserError(f"{path}: not a record of netlens; make it again: {again}")
        return record
    # What a study cannot have is found by looking at its networks, which is done only where there is no record.
    from netlens.workflow.applicability import absent_items

    absent = absent_items(config, catalogue)
    if item.name in absent:
        raise UserError(f"{item.name} is absent from study {study}: {absent[item.name]}")
    raise UserError(f"{item.name} has not been made ({path} does not exist): netlens run {item.name} --study {study}")


def _print_changes(item: Item, given: str, config: dict[str, Any], *, as_json: bool) -> int:
    from netlens.review.item_parts import read_record
    from netlens.review.published import Reference
    from netlens.review.record_changes import record_changes
    from netlens.review.spread import load_spread
    from netlens.review.verdicts import judge

    study = config["study"]
    reference = Reference(study)
    reference.require()
    entry = reference.entry(item.name)
    if entry is None:
        raise UserError(
            f"nothing is published of {item.name} in {reference.folder}; to publish it: netlens accept {item.name}"
        )
    record = read_record(item, study)
    configured = functools.partial(configured_parameters, config, given)
    state = item_states(study, [item.name], configured=configured, keep_hashes=True)[item.name]
    verdict = judge(item, state, reference, load_spread(study))
    changes = record_changes(entry, record)
    if as_json:
        rows = [{"what": change.what, "published": change.then, "now": change.now} for change in changes]
        data = {"name": item.name, "verdict": verdict.verdict, "detail": verdict.words, "changes": rows}
        print(json.dumps(data, indent=1, ensure_ascii=False))
        return 0
    print(f"{item.name} beside what is published in {reference.folder}: {verdict.verdict}: {verdict.words}")
    for change in changes:
        print(f"  {change.words}")
    if not changes:
        print("  the records differ in nothing that affects a result")
    return 0
