"""``netlens list``: all items, what each shows, and whether it has been made."""

import shutil
import textwrap

from netlens.workflow.catalogue import load_catalogue
from netlens.workflow.study import load_study


def print_items(study: str) -> int:
    """Print every item of the study, by section."""
    name = load_study(study)["study"]
    items = load_catalogue()
    width = max(map(len, items), default=0)
    columns = max(60, min(120, shutil.get_terminal_size((100, 24)).columns))
    section = None
    for item in items.values():
        if item.section != section:
            section = item.section
            print(f"{section.replace('_', ' ')}")
        made = all(path.is_file() for path in item.files(name))
        head = f"  {item.name:<{width}}  {item.kind:<6}  {'made' if made else '-':<4}  "
        print(textwrap.fill(item.shows, columns, initial_indent=head, subsequent_indent=" " * len(head)))
    return 0
