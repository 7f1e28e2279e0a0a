"""``netlens list``: all items, what each shows, and whether it has been made or why the study cannot have it."""

import shutil
import textwrap

from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import load_catalogue
from netlens.workflow.errors import UserError
from netlens.workflow.image_specs import SpecError
from netlens.workflow.network_specs import check_files
from netlens.workflow.study import load_study


def print_items(study: str) -> int:
    """Print every item of the study, by section."""
    config = load_study(study)
    name = config["study"]
    items = load_catalogue()
    try:
        check_files(config)
        absent = absent_items(config, items)
    except SpecError as error:
        raise UserError(str(error)) from None
    width = max(map(len, items), default=0)
    columns = max(60, min(120, shutil.get_terminal_size((100, 24)).columns))
    section = None
    for item in items.values():
        if item.section != section:
            section = item.section
            print(f"{section.replace('_', ' ')}")
        made = all(path.is_file() for path in item.files(name))
        state = "absent" if item.name in absent else "made" if made else "-"
        head = f"  {item.name:<{width}}  {item.kind:<6}  {state:<6}  "
        shown = absent.get(item.name, item.shows)
        print(textwrap.fill(shown, columns, initial_indent=head, subsequent_indent=" " * len(head)))
    return 0
