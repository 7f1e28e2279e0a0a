"""The text of a study's paper: its files, and its pieces without what the study does not have."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from netlens.publish.tex_words import escape
from netlens.workflow.absent_text import caption_without_absent, without_absent
from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import SECTIONS, Item, load_catalogue
from netlens.workflow.errors import UserError

#: The analyses in the order of the paper, with their names in the text.
ANALYSES: Final[dict[str, str]] = {
    "signal_distractor": "signal and distractor",
    "pattern_attribution": "patterns against weights",
    "model_comparison": "comparing models",
    "weights": "visualising weights",
    "spatial_attribution": "spatial attribution",
    "explanation_checks": "checks of explanations",
}


_COMMENT: Final = re.compile(r"(?<!\\)%.*")


class PaperError(UserError):
    """The text and the study are inconsistent; the message has one line for each mistake."""


@dataclass(frozen=True)
class Absence:
    """An item that a study cannot have, and why."""

    item: Item
    reason: str


@dataclass(frozen=True)
class Source:
    """A piece of LaTeX and where it comes from.

    Attributes
    ----------
    path
        The file, followed by the item if it is a caption.
    text
        The LaTeX, without comments.
    numbered
        Whether line numbers in `text` are those of the file.
    """

    path: str
    text: str
    numbered: bool = True

    def find(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
        """Yield each match with its location, as ``file:line``."""
        for found in pattern.finditer(self.text):
            line = self.text.count("\n", 0, found.start()) + 1
            yield (f"{self.path}:{line}" if self.numbered else self.path), found


def sources(name: str, main: str | Path = "paper/main.tex") -> list[str]:
    """Source files of the paper's text: the main file, the files beside it, and its sections.

    Parameters
    ----------
    name
        Name of the study; ``studies/<name>.tex`` is the text that only this study has.
    main
        The main file.

    Returns
    -------
    list of str
        Paths of ``.tex`` and ``.bib`` files: the main file, then the others in sorted order.
    """
    main = Path(main)
    folders = (main.parent, main.parent / "sections")
    files = {file for folder in folders for kind in ("*.tex", "*.bib") for file in folder.glob(kind)} - {main}
    own = main.parent / "studies" / f"{name}.tex"
    return [file.as_posix() for file in (main, *sorted(files), *([own] if own.is_file() else []))]


def claim_files(study: str = "") -> list[str]:
    """Files that say what the paper claims, how that is judged, and what `study` published; those that there are."""
    names = ("claims.py", "claims_table.py", "conditions.py")
    files = [Path("paper/claims.yaml"), *(Path("src/netlens/review") / name for name in names)]
    files += [Path("reference") / study / "claims.json"] if study else []
    return [path.as_posix() for path in files if path.is_file()]


def caption_files(folder: str | Path = "notebooks") -> list[str]:
    """Files that contain the items' captions, in the order of the paper."""
    files = (Path(folder) / section / "items.yaml" for section in SECTIONS)
    return [file.as_posix() for file in files if file.is_file()]


def present_analyses(items: Iterable[Item], main: str | Path = "paper/main.tex") -> list[str]:
    """Names of the analyses in the paper: those with at least one item and a text ``sections/<analysis>.tex``."""
    with_items = {item.section for item in items}
    texts = Path(main).parent / "sections"
    return [name for name in ANALYSES if name in with_items and (texts / f"{name}.tex").is_file()]


def section_texts(name: str, main: str | Path = "paper/main.tex") -> dict[str, str]:
    """Sections of the text, and the files from which TeX reads them for a study.

    Parameters
    ----------
    name
        Name of the study.
    main
        The main file.

    Returns
    -------
    dict
        From paths in ``results/<name>/paper/`` to those of the text that is written by hand.
    """
    beside = Path(main).parent
    files = (Path(file) for file in sources(name, main) if file.endswith(".tex"))
    return {
        f"results/{name}/paper/{file.relative_to(beside).as_posix()}": file.as_posix()
        for file in files
        if file.parent != beside
    }


def study_items(config: Mapping[str, Any]) -> tuple[list[Item], dict[str, Absence]]:
    """Items that a study has, and those that it cannot have."""
    catalogue = load_catalogue()
    reasons = absent_items(config, catalogue)
    items = [item for item in catalogue.values() if item.name not in reasons]
    return items, {name: Absence(catalogue[name], reason) for name, reason in reasons.items()}


def study_texts(name: str, main: Path, items: Iterable[Item], absent: Iterable[str]) -> list[Source]:
    """The text, without the analyses that the paper omits and the sentences that need what the study does not have."""
    items = list(items)
    present = present_analyses(items, main)
    left_out = {(main.parent / "sections" / f"{other}.tex").as_posix() for other in ANALYSES if other not in present}
    missing = {*absent, *SECTIONS} - {item.section for item in items}
    missing |= {f"claim:{key}" for key in _claims_not_made(name, main, {item.name for item in items})}
    read = read_sources(Path(file) for file in sources(name, main) if file.endswith(".tex"))
    kept = without_absent({source.path: source.text for source in read}, missing, left_out)
    return [Source(path, text) for path, text in kept.items()]


def _claims_not_made(name: str, main: Path, items: set[str]) -> list[str]:
    """Claims of other studies, and those that need an item that the study does not have."""
    path = main.parent / "claims.yaml"
    entries = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}
    return [
        key
        for key, entry in entries.items()
        if name not in (entry.get("studies") or [name]) or not set(entry.get("items", ())) <= items
    ]


def read_sources(files: Iterable[Path]) -> list[Source]:
    """Return the LaTeX of files, without comments."""
    return [Source(file.as_posix(), _COMMENT.sub("", file.read_text(encoding="utf-8"))) for file in files]


def study_captions(items: Iterable[Item], absent: Iterable[str]) -> list[Source]:
    """Captions of the figures, without the sentences that need what the study does not have."""
    missing = set(absent)
    return [
        Source(
            f"notebooks/{item.section}/items.yaml: {item.name}: caption",
            caption_without_absent(item.caption, missing) or f"{escape(item.shows)}.",
            numbered=False,
        )
        for item in figures_of(items)
    ]


def figures_of(items: Iterable[Item]) -> list[Item]:
    """Return the figures among items."""
    return [item for item in items if item.kind == "figure"]
