"""What the supplement of a study shows: its items as they have been made, with their notebooks, and the claims."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from netlens.publish.supplement import ShownClaim, ShownItem, Supplement
from netlens.review.claims import Values, judge, load_claims, load_published
from netlens.review.item_state import ItemState, item_states
from netlens.workflow.absent_text import caption_without_absent
from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import SECTIONS, Item, load_catalogue
from netlens.workflow.paper.text import ANALYSES
from netlens.workflow.study import load_study

#: The item that shows all others.
INDEX = "index"
#: Accents of BibTeX as the combining characters of Unicode.
_ACCENTS = {'"': "\N{COMBINING DIAERESIS}", "'": "\N{COMBINING ACUTE ACCENT}", "`": "\N{COMBINING GRAVE ACCENT}"}
_ACCENT = re.compile(r"""\{?\\(["'`])\{?\\?(\w)\}?\}?""")
_TITLES = {"data": "images", "models": "networks", **ANALYSES}


def supplement(
    study: str, *, paper: str = "", checked: bool = True, source: str = "notebooks/site/index.ipynb"
) -> Supplement:
    """Everything that has been made of a study, for its supplement.

    Parameters
    ----------
    study
        Name or file of the study.
    paper
        Path of the PDF; empty if there is none.
    checked
        Tell which items are stale or edited, for which every file behind them is hashed; without it, an item whose
        files are there counts as made, as is right within a run that has just made them.
    source
        The notebook that makes the supplement.

    Returns
    -------
    Supplement
        Items that have not been made are among its items, without files; so are those that the study cannot have.

    Raises
    ------
    UserError
        The study or the claims are not valid, or a record is damaged.
    """
    config = load_study(study)
    name = config["study"]
    catalogue = load_catalogue()
    absent = absent_items(config, catalogue)
    available = [item for item in catalogue if item not in absent and item != INDEX]
    states = item_states(name, available) if checked else {}
    items = []
    for item in catalogue.values():
        if item.name == INDEX:
            continue
        if item.name in absent:
            items.append(ShownItem(item.name, item.section, item.kind, item.shows, "absent", absent[item.name]))
        else:
            items.append(_shown(item, name, states.get(item.name), set(absent)))
    return Supplement(
        study=name,
        title=f"Looking inside image classifiers: {config['title']}",
        authors=tuple(str(author) for author in config["authors"]),
        images_are=" ".join(config["images_are"].split()),
        sections={section: _title(section) for section in SECTIONS},
        items=tuple(items),
        claims=tuple(_claims(name, catalogue, available)),
        # From site/<study>/ to the root.
        paper=f"../../{paper}" if paper else "",
        citation=_citation(),
        license_name=str(_citation().get("license", "see the file LICENSE")),
        source=source,
        works=cited_works(Path("paper/refs.bib")),
    )


def _title(section: str) -> str:
    words = _TITLES.get(section, section.replace("_", " "))
    return words[:1].upper() + words[1:]


def _shown(item: Item, study: str, state: ItemState | None, absent: set[str]) -> ShownItem:
    files = {path.suffix.removeprefix("."): path for path in item.files(study)}
    if missing := [path for path in files.values() if not path.is_file()]:
        return ShownItem(item.name, item.section, item.kind, item.shows, "missing", f"{missing[0]} does not exist")
    return ShownItem(
        item.name,
        item.section,
        item.kind,
        item.shows,
        state.state if state else "made",
        state.detail if state else "",
        caption=caption_without_absent(item.caption, absent) or f"{item.shows[:1].upper()}{item.shows[1:]}.",
        files=files,
        record=_json(files["json"]) or {},
        notebook=_json(Path("results") / study / "executed" / item.section / f"{item.name}.ipynb"),
    )


def _claims(study: str, catalogue: dict[str, Item], available: list[str]) -> list[ShownClaim]:
    values = Values(catalogue, study)
    published = load_published(study)
    made = {name for name in available if all(path.is_file() for path in catalogue[name].files(study))}
    shown = []
    for claim in load_claims(catalogue):
        if not claim.applies(study, available):
            continue
        found = judge(claim, values, published.get(claim.key))
        shown.append(
            ShownClaim(
                claim.sentence,
                found.outcome,
                claim.quantity,
                found.value,
                found.published,
                claim.items,
                claim.command,
                # The page says of each of its items whether it has been made.
                found.words if set(claim.items) <= made else "",
            )
        )
    return shown


def _json(path: Path) -> dict[str, Any] | None:
    """Contents of a JSON file; None if there is no such file, or it is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def cited_works(path: Path) -> dict[str, str]:
    """How the works of a BibTeX file are cited, such as ``Sedghi et al., 2019``, by key; empty without the file."""
    if not path.is_file():
        return {}
    works = {}
    for entry in re.split(r"^@", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        key = re.match(r"\w+\s*\{\s*([^,\s]+)", entry)
        author = re.search(r"\bauthor\s*=\s*\{(.*?)\},?\s*\n", entry, re.DOTALL)
        year = re.search(r"\byear\s*=\s*\{?(\d{4})", entry)
        if key and author and year:
            names = [_family_name(name) for name in re.split(r"\s+and\s+", author[1])]
            words = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
            works[key[1]] = f"{words}, {year[1]}"
    return works


def _family_name(name: str) -> str:
    family = name.split(",", maxsplit=1)[0] if "," in name else name.rsplit(maxsplit=1)[-1]
    return unicodedata.normalize("NFC", _ACCENT.sub(lambda found: found[2] + _ACCENTS[found[1]], family)).strip("{} ")


def _citation() -> dict[str, Any]:
    path = Path("CITATION.cff")
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}
