"""Find numbers of a study that are estimated from samples and have no interval.

Every number of the paper that comes from images, scenes, draws or seeds has an interval in its record; of every other,
``items.yaml`` says why it needs none (``exact:``). Names have neither. Run after the study:

    python .ci/lint_intervals.py demo
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netlens.workflow.catalogue import Item, load_catalogue


def findings(items: Mapping[str, Item], records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One line for each macro whose record and entry do not fit each other.

    Parameters
    ----------
    items
        The catalogue.
    records
        Records of the macros that a study has made, by name.
    """
    for name, record in records.items():
        is_number, has_interval = not isinstance(record["value"], str), record.get("interval") is not None
        where = f"notebooks/{items[name].section}/items.yaml: {name}"
        if is_number and not has_interval and not items[name].exact:
            yield f"{where} has no interval; estimate one, or add `exact:` and why it needs none"
        if has_interval and items[name].exact:
            yield f"{where} has an interval, and says that it needs none; remove `exact: {items[name].exact}`"


def main() -> int:
    """Check the study that is named on the command line; 1 if something was found."""
    study = sys.argv[1]
    made = sorted(Path("export_defs", study).glob("*.json"))
    if not made:
        print(f"export_defs/{study} holds no number; make the study first: netlens run --study {study}")
        return 1
    records = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in made}
    items = load_catalogue()
    found = list(findings(items, {name: record for name, record in records.items() if name in items}))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
