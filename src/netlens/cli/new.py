"""``netlens new``: write the study of a network and a folder of images."""

from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import SECTIONS, load_catalogue
from netlens.workflow.new_study import Wishes, write_study
from netlens.workflow.study import load_study

#: A figure of each section, the quickest first.
_FIRST_FIGURES = ("first_layer_kernels", "per_layer", "similarity_self", "class_attribution_layers", "scatter")


def new_study(wishes: Wishes) -> int:
    """Write a study and print what was found, what the study can have, and how to make its first figure."""
    draft = write_study(wishes)
    for note in draft.notes:
        print(note)
    config = load_study(str(draft.path))
    catalogue = load_catalogue()
    absent = absent_items(config, catalogue)
    for section in SECTIONS:
        items = [item for item in catalogue.values() if item.section == section]
        missing = [item for item in items if item.name in absent]
        reasons = "; ".join(dict.fromkeys(absent[item.name] for item in missing))
        have = f"{len(items) - len(missing)} of {len(items)} items"
        print(f"{section.replace('_', ' ')}: {have}{f' (the others: {reasons})' if missing else ''}")
    print(f"written: {draft.path}")
    first = next((name for name in _FIRST_FIGURES if name in catalogue and name not in absent), None)
    if first:
        print(f"first figure: netlens run {first} --study {wishes.name}")
    print(f"everything: make paper STUDY={wishes.name}")
    return 0
