"""``netlens spread``: measure how far reruns under other settings are from what is published."""

import json
import math
from pathlib import Path

from netlens.cli.study_items import study_items
from netlens.review.published import Reference
from netlens.review.spread import Rerun, load_spread, measure, merged, save_spread, spread_file
from netlens.workflow.errors import UserError

#: Parts with the largest deviations that are printed of each rerun, without ``--all``.
_LINES = 10


def measure_spread(study: str, folders: list[str], *, everything: bool = False, as_json: bool = False) -> int:
    """Compare complete runs of a study with what is published, and keep how far each part of each item deviates.

    Parameters
    ----------
    study
        Name or file of the study.
    folders
        Checkouts in which it was run.
    everything
        Print a line for each part that deviates.
    as_json
        Print plain data.

    Raises
    ------
    UserError
        A folder has no run of the study, or nothing is published of it.
    """
    known = study_items(study)
    reference = Reference(known.study)
    reference.require()
    for folder in folders:
        if not (Path(folder) / "export_defs" / reference.study).is_dir():
            raise UserError(f"{folder}: no checkout in which study {reference.study} was run")
    items = list(known.compared.values())
    reruns = [rerun for folder in folders for rerun in measure(items, reference, Path(folder))]
    spread = merged(load_spread(reference.study), reruns, reference.names())
    save_spread(reference.study, spread)
    if as_json:
        data = [
            {
                "setting": rerun.setting,
                "items": {
                    name: {part: value if math.isfinite(value) else "another" for part, value in parts.items()}
                    for name, parts in rerun.items.items()
                },
                "left_out": dict(rerun.left_out),
            }
            for rerun in reruns
        ]
        print(json.dumps({"study": reference.study, "reruns": data}, indent=1, ensure_ascii=False))
        return 0
    for rerun in reruns:
        _print_rerun(rerun, everything=everything)
    print(spread_file(reference.study))
    return 0


def _print_rerun(rerun: Rerun, *, everything: bool) -> None:
    parts = [(value, name, part) for name, found in rerun.items.items() for part, value in found.items()]
    deviating = sorted((found for found in parts if found[0]), key=lambda found: -found[0])
    count = f"{len(rerun.items)} item{'' if len(rerun.items) == 1 else 's'}"
    print(f"{rerun.setting}: {count}, {len(deviating)} of {len(parts)} parts deviate")
    shown = deviating if everything else deviating[:_LINES]
    for value, name, part in shown:
        print(f"  {'another' if math.isinf(value) else f'{value:.2g}':>8}  {name}: {part}")
    if len(shown) < len(deviating):
        print(f"  and {len(deviating) - len(shown)} more (--all lists them)")
    reasons: dict[str, list[str]] = {}
    for name, reason in rerun.left_out.items():
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        print(f"  left out: {', '.join(names[:3])}{more}: {reason}")
